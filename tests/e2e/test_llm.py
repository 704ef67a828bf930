"""The same agent with a model behind it: a local OpenAI-compatible server, streaming."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.e2e.programs import LTC_BTC, ROOT, command, environment
from tests.e2e.terminal import terminal
from tests.llm.server import Answer, Fault, LlmServer, serving

LOCAL = {"TUI_TRADER_LLM__PROVIDER": "local", "TUI_TRADER_LLM__MODEL": "test-model"}


async def run_with(
    server: LlmServer, home: Path, *arguments: str, **settings: str
) -> list[dict[str, object]]:
    """Run headless against `server`; the cycle log that it printed."""
    env = environment(home, PYTHONPATH=str(ROOT), TUI_TRADER_LLM__BASE_URL=server.base_url, **LOCAL)
    env |= settings
    process = await asyncio.create_subprocess_exec(
        *command("--no-ui", *arguments),
        env=env,
        cwd=home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.skipif(not LTC_BTC.exists(), reason="the case files are not here")
async def test_a_replay_decided_by_a_model_trades_and_is_written_down(tmp_path: Path) -> None:
    async with LlmServer() as server:
        lines = await run_with(
            server, tmp_path, "--source", f"replay:{LTC_BTC}", "--speed", "max", "--cycles", "60"
        )
        assert len(server.requests) == 60
    assert len(lines) == 60
    assert {line["outcome"] for line in lines} == {"ok"}
    assert {line["model"] for line in lines} == {"test-model"}
    assert any(line["executed"] for line in lines)
    assert all(line["prompt_hash"] for line in lines)
    prompt = json.dumps(server.requests[-1]["messages"])
    assert "LTC/BTC" in prompt


async def test_a_bad_answer_holds_the_next_one_counts_and_a_refused_key_ends_the_asking(
    tmp_path: Path,
) -> None:
    good = Answer('{"action": "long", "size_pct": 0.05, "reason": "up"}')
    script = [
        Answer("I think we should buy more because the trend looks good"),
        Answer(good.content, fault=Fault.CUT),
        good,
        Answer(status=401, message="bad key"),
        good,
    ]
    async with LlmServer(script) as server:
        lines = await run_with(
            server,
            tmp_path,
            "--symbol",
            "BTC/USDT",
            "--speed",
            "max",
            "--cycles",
            "5",
            TUI_TRADER_LLM__MAX_ATTEMPTS="1",
        )
        assert len(server.requests) == 4
    parsed, cut, taken, refused, unasked = lines
    assert parsed["parsed_reason"] == "forced hold due to parsing error"
    assert parsed["llm_raw_output"] == script[0].content
    assert (parsed["parsed_action"], parsed["parsed_size_pct"]) == ("hold", 0.0)
    outcomes = ["parse_error", "llm_error", "ok", "stopped", "stopped"]
    assert [line["outcome"] for line in lines] == outcomes
    assert not any(line["executed"] for line in (parsed, cut, refused, unasked))
    assert taken["executed"]


def test_reasoning_is_painted_while_it_arrives(tmp_path: Path) -> None:
    """The answer never ends, so what is seen of it was seen before any decision."""
    thought = "EMA20 is above EMA50 and the model is still thinking aloud"
    answer = Answer("{}", thought, fault=Fault.HANG)
    env = LOCAL | {
        "TUI_TRADER_LLM__STALL_SECONDS": "60",
        "TUI_TRADER_LLM__DEADLINE_SECONDS": "60",
    }
    with (
        serving(answer) as base_url,
        terminal(
            tmp_path,
            "--symbol",
            "BTC/USDT",
            env=env | {"TUI_TRADER_LLM__BASE_URL": base_url},
        ) as screen,
    ):
        screen.wait_for("thinking")
        screen.wait_for("EMA20")
        assert "#1 HOLD" not in screen.painted()
