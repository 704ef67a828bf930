"""`tui-trader doctor` and `prompt`, run as programs."""

from pathlib import Path

from tests.e2e.programs import run
from tests.llm.server import Answer, serving
from tui_trader.decision.templates import packaged_text


def test_with_nothing_configured_the_doctor_asks_nobody(tmp_path: Path) -> None:
    ended = run(tmp_path, "doctor")
    assert ended.code == 0, ended.err
    assert "none is asked: the rules decide" in ended.out
    assert "0 failed" in ended.out.splitlines()[-1]


def test_the_doctor_says_what_the_endpoint_really_does(tmp_path: Path) -> None:
    with serving() as base_url:
        ended = run(
            tmp_path,
            "doctor",
            env={
                "TUI_TRADER_LLM__PROVIDER": "local",
                "TUI_TRADER_LLM__MODEL": "qwen",
                "TUI_TRADER_LLM__BASE_URL": base_url,
            },
        )
    assert ended.code == 0, ended.out + ended.err
    for found in ("can be reached", "streamed", "json_schema works", "tokens are reported"):
        assert found in ended.out


def test_an_endpoint_that_is_not_there_fails_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(
        '[llm]\nprovider = "local"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    ended = run(tmp_path, "doctor", "--config", "my.toml")
    assert ended.code == 1
    assert "FAIL  model local" in ended.out
    assert "127.0.0.1:9" in ended.out
    assert "Traceback" not in ended.err


def test_a_configuration_error_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[llm]\nprovder = 1\n")
    for arguments in (("doctor", "--config", "my.toml"), ("--config", "my.toml", "doctor")):
        ended = run(tmp_path, *arguments)
        assert ended.code == 2
        assert "llm.provider" in ended.err


def test_the_packaged_prompt_can_be_taken_to_start_one_s_own_from(tmp_path: Path) -> None:
    taken = run(tmp_path, "prompt")
    assert taken.out == packaged_text()
    templates = tmp_path / "tui-trader" / "templates"
    templates.mkdir(parents=True, mode=0o700)
    (templates / "mine.md").write_text(taken.out.replace("reckless", "hasty"))
    with serving(Answer('{"action": "hold", "size_pct": 0, "reason": ""}')) as base_url:
        ended = run(
            tmp_path,
            *("--no-ui", "--symbol", "BTC/USDT", "--speed", "max", "--cycles", "1"),
            env={
                "TUI_TRADER_LLM__PROVIDER": "local",
                "TUI_TRADER_LLM__MODEL": "qwen",
                "TUI_TRADER_LLM__BASE_URL": base_url,
                "TUI_TRADER_LLM__TEMPLATE": "mine",
            },
        )
    assert ended.code == 0, ended.err
    (line,) = ended.logs()
    assert line["outcome"] == "ok"
