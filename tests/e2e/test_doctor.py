"""`tui-trader doctor` and `prompt`, run as programs."""

from pathlib import Path

import pytest

from tests.e2e.programs import ROOT, run
from tests.e2e.terminal import terminal
from tests.llm.server import Answer, serving
from tui_trader.decision.templates import packaged_text


def test_with_nothing_configured_the_doctor_asks_nobody(tmp_path: Path) -> None:
    ended = run(tmp_path, "doctor")
    assert ended.code == 0, ended.err
    assert "none is asked: the rules decide" in ended.out
    assert "0 failed" in ended.out.splitlines()[-1]


LLM = """\
[agent]
symbols = ["BTC/USDT"]
[llm]
provider = "local"
model = "m"
base_url = "http://127.0.0.1:9/v1"
"""
RECORDED = "[llm]\nprovider = 'recorded'\n"
OWN = "[agent]\nstrategy = 'own:{}'\n"
OWN_CODE = """\
from tui_trader.decision.composer import LlmComposer
from tui_trader.decision.interfaces import BaseComposer

class Alone(BaseComposer):
    def __init__(self, request):
        pass
    async def compose(self, context): ...

class Asking(LlmComposer):
    pass

class Broken(Alone):
    def __init__(self, request):
        raise KeyError("no luck")
"""
REFUSED = {
    "nothing recorded is named": (RECORDED, "llm.recorded is missing"),
    "what is recorded is not there": (f"{RECORDED}recorded = 'no.db'\n", "'no.db': no such file"),
    "no such template": (f"{LLM}template = 'mine'\n", "mine.md: write it"),
    "a broken template": (f"{LLM}template = 'broken'\n", "unknown placeholder {{nonsense}}"),
    "a cap without a price": (
        "[llm]\nprovider = 'openai'\nmodel = 'm'\ndaily_cap_usd = 1.0\n",
        "set llm.price_input_usd and llm.price_output_usd",
    ),
    "a fallback without a key": (
        f"{LLM}fallback_models = ['openrouter:m']\n",
        "llm.fallback_models: OPENROUTER_API_KEY is missing",
    ),
    "a strategy that fails": (OWN.format("Broken"), "own.py, line 14: KeyError: 'no luck'"),
    "a strategy that is not there": (OWN.format("Nobody"), "no class of that name"),
    "a strategy that asks without a key": (OWN.format("Asking"), "DEEPSEEK_API_KEY is missing"),
    "an unknown indicator": ("[features]\nindicators = ['nonsense']\n", "features.indicators: "),
    "too short a lookback": (
        "[features]\nlookback = 60\nindicators = ['sma_100']\n",
        "raise it, or choose shorter ones",
    ),
}


def configured(home: Path, config: str) -> dict[str, str]:
    """A home with `config`, a strategy and a broken template; the environment that goes with it."""
    templates = home / "tui-trader" / "templates"
    templates.mkdir(parents=True)
    home.joinpath("tui-trader").chmod(0o700)
    (templates / "broken.md").write_text("{{nonsense}}")
    (home / "tui-trader" / "config.toml").write_text(config)
    (home / "own.py").write_text(OWN_CODE)
    return {"PYTHONPATH": f"{ROOT}:{home}", "OPENAI_API_KEY": "sk-1"}


@pytest.mark.parametrize("name", REFUSED)
def test_the_doctor_fails_what_a_run_refuses_in_the_same_words(tmp_path: Path, name: str) -> None:
    config, said = REFUSED[name]
    env = configured(tmp_path, config)
    refused = run(tmp_path, "--no-ui", "--cycles", "1", env=env)
    assert refused.code == 2
    assert said in refused.err
    examined = run(tmp_path, "doctor", env=env)
    assert examined.code == 1
    (line,) = [line for line in examined.out.splitlines() if line.startswith("FAIL")]
    assert refused.err.strip().removeprefix("tui-trader: ") in line
    assert "Traceback" not in examined.err


def test_a_strategy_that_asks_no_model_needs_no_key(tmp_path: Path) -> None:
    ended = run(tmp_path, "doctor", env=configured(tmp_path, OWN.format("Alone")))
    assert ended.code == 0, ended.out
    assert "none is asked: own:Alone decides" in ended.out


def test_a_strategy_s_model_is_asked_and_a_configured_price_is_known(tmp_path: Path) -> None:
    with serving() as base_url:
        prices = "price_input_usd = 1.0\nprice_output_usd = 2.0\ndaily_cap_usd = 1.0\n"
        config = f"[llm]\nprovider = 'openai'\nmodel = 'm'\nbase_url = '{base_url}'\n{prices}"
        env = configured(tmp_path, OWN.format("Asking") + config)
        ended = run(tmp_path, "doctor", env=env)
    assert ended.code == 0, ended.out
    assert "can be reached" in ended.out
    assert "the price is known" in ended.out
    assert "no price" not in ended.out
    assert "daily_cap_usd" not in ended.out


def test_a_key_that_was_refused_is_not_tried_with_the_fallbacks(tmp_path: Path) -> None:
    with serving(probes=[Answer(status=401)]) as base_url:
        refusing = LLM.replace("http://127.0.0.1:9/v1", base_url)
        env = configured(tmp_path, f"{refusing}fallback_models = ['local:other']\n")
        ended = run(tmp_path, "doctor", env=env)
    assert ended.code == 1
    assert "other is not asked" in ended.out


def test_recorded_answers_are_looked_at_and_nobody_is_asked(tmp_path: Path) -> None:
    answer = Answer('{"action": "hold", "size_pct": 0, "reason": ""}')
    with serving(answer) as base_url:
        env = configured(tmp_path, LLM.replace("http://127.0.0.1:9/v1", base_url))
        run(tmp_path, "--no-ui", "--speed", "max", "--cycles", "1", "--data-dir", "d", env=env)
    (tmp_path / "my.toml").write_text(f"{RECORDED}recorded = 'd/state.db'\n")
    ended = run(tmp_path, "doctor", "--config", "my.toml", env=env)
    assert ended.code == 0, ended.out
    assert "none is asked: d/state.db answers" in ended.out


def test_where_no_market_can_be_opened_the_model_waits(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-1m.csv").write_text("no candles\n")
    source = f"[market]\nsource = 'replay:{tmp_path}/BTC_USDT-1m.csv'\n"
    ended = run(tmp_path, "doctor", env=configured(tmp_path, f"{LLM}{source}"))
    assert ended.code == 1
    assert "FAIL  market" in ended.out
    assert "127.0.0.1:9" not in ended.out


def test_whoever_waits_at_a_terminal_is_told_for_what(tmp_path: Path) -> None:
    with terminal(tmp_path, "doctor") as screen:
        screen.wait_for("looking...")
        assert screen.exit_code() == 0
    assert "looking" not in run(tmp_path, "doctor").err


def test_the_help_tells_each_command_in_a_whole_sentence(tmp_path: Path) -> None:
    told = run(tmp_path, "--help").out
    lines = told.partition("Commands:")[2].strip().splitlines()[:2]
    assert [line.split()[0] for line in lines] == ["doctor", "prompt"]
    for line in lines:
        assert line.endswith(".")
        assert "..." not in line
    for name in ("doctor", "prompt"):
        sentence = run(tmp_path, name, "--help").out.split("\n\n")[1]
        assert sentence.rstrip().endswith(".")


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
