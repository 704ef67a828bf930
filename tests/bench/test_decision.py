"""What the decision layer itself costs a cycle: `pytest -m bench -n0 -s`."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from openai import AsyncOpenAI

from tests.bench.figures import milliseconds, say
from tests.decision.contexts import BTC, TS, UPTREND, make_context, quotes
from tests.llm.server import Answer, serving
from tui_trader.clock import SystemClock
from tui_trader.decision.formats import OrdersFormat, PlanFormat
from tui_trader.decision.prompt import Prompt, build_prompt
from tui_trader.decision.providers import Endpoint
from tui_trader.decision.providers.chat import ChatClient
from tui_trader.decision.situation import situations
from tui_trader.decision.templates import TemplateFile, packaged_text
from tui_trader.models import (
    ComposeAudit,
    ComposeContext,
    Constraints,
    ExternalNote,
    HistoryRecord,
    ModelCall,
    RecordKind,
)
from tui_trader.trading_history.store import Store

pytestmark = pytest.mark.bench


def test_building_a_prompt(tmp_path: Path) -> None:
    """Three symbols held, 50 candles and a note each; the operator's template, looked at each time.
    The reference writes the same context as JSON."""
    (tmp_path / "mine.md").write_text(packaged_text())
    template, answer_format, context = (
        TemplateFile("mine", tmp_path),
        PlanFormat(),
        _three_symbols(),
    )

    def build() -> None:
        build_prompt(context, answer_format, template.current().template)

    def reference() -> None:
        json.dumps(context.model_dump(mode="json"))

    for name, work in (("prompt, 3 symbols", build), ("reference: json.dumps", reference)):
        say(f"{name}: median {median(milliseconds(work) for _ in range(500)):.3f} ms")


def _three_symbols() -> ComposeContext:
    symbols = ("AAA/USDT", "BBB/USDT", "CCC/USDT")
    context = make_context(
        dict.fromkeys(symbols, UPTREND),
        held=dict.fromkeys(symbols, 0.5),
        missing=("adx_14",),
        notes=tuple(ExternalNote(source="news", text="é" * 1_000, ts=TS) for _ in symbols),
    )
    rows = tuple((TS + minute * 60_000, 1.5, 2.5, 0.5, 2.0, 10.25) for minute in range(50))
    return context.model_copy(
        update={
            "features": (*context.features, *(quotes(symbol, 102.0, TS) for symbol in symbols)),
            "market_snapshot": {
                symbol: snapshot.model_copy(update={"ohlcv": rows})
                for symbol, snapshot in (context.market_snapshot or {}).items()
            },
        }
    )


def test_parsing_four_kilobytes() -> None:
    """Twelve orders in a fence after some thinking, 4 KB in all; the reference is json.loads of the
    bare JSON, which checks nothing."""
    symbols = [f"S{number:02d}/USDT" for number in range(12)]
    known = situations(make_context(dict.fromkeys(symbols, UPTREND)))
    orders = [
        {
            "symbol": symbol,
            "action": "open_long",
            "leverage": 2,
            "position_size_usd": 100.0,
            "stop_loss": 95.5,
            "take_profit": 120.25,
            "confidence": 70,
            "reasoning": f"EMA20 above EMA50, RSI has room, {'and so on ' * 12}",
        }
        for symbol in symbols
    ]
    bare = json.dumps({"decisions": orders})
    raw = f"<think>{'hm ' * 100}</think>\n```json\n{bare}\n```"
    answer_format, limits = OrdersFormat(), Constraints(max_leverage=5.0, allow_short=True)
    assert len(answer_format.parse(raw, known, limits).filtered) == 0
    runs: dict[str, Callable[[], object]] = {
        f"parsing {len(raw):,} bytes (budget 1 ms)": lambda: answer_format.parse(
            raw, known, limits
        ),
        "reference: json.loads": lambda: json.loads(bare),
    }
    for name, work in runs.items():
        say(f"{name}: median {median(milliseconds(work) for _ in range(500)):.3f} ms")


def test_recording_a_decision(tmp_path: Path) -> None:
    """The call's two rows and the compose record, each in a durable commit; the reference is one
    durable commit of the same bytes."""
    store = Store(tmp_path / "state.db")
    context = _three_symbols()
    prompt = build_prompt(
        context, PlanFormat(), TemplateFile("default", tmp_path).current().template
    )
    audit = ComposeAudit(provider="x", prompt=prompt.text, raw_output="{}" * 2_000)
    payload = {"audit": audit.model_dump(mode="json")}
    numbers = iter(range(10_000))

    def record() -> None:
        compose_id = f"agent-1-{next(numbers):06d}"
        call = ModelCall(
            compose_id=compose_id, attempt=1, asked_at=TS, provider="x", model=BTC, cost_usd=0.001
        )
        store.record_call(call)
        store.record_call(call.model_copy(update={"outcome": "ok"}))
        row = HistoryRecord(
            ts=TS, kind=RecordKind.COMPOSE, reference_id=compose_id, payload=payload
        )
        store.record_cycle([row], None, {})

    def reference() -> None:
        row = HistoryRecord(ts=TS, kind=RecordKind.COMPOSE, reference_id="r", payload=payload)
        store.record_cycle([row], None, {})

    for name, work in (("recording a decision", record), ("reference: one commit", reference)):
        say(f"{name}: median {median(milliseconds(work) for _ in range(300)):.3f} ms")
    store.close()


async def test_streaming_two_thousand_deltas() -> None:
    """Processor time of this thread; the server has one of its own. The reference only iterates."""
    deltas = [f"{number:>9} " for number in range(2_000)]
    answer = Answer("".join(deltas), piece=len(deltas[0]))
    rounds = 5
    with serving(*[answer] * rounds * 2) as base_url:
        client = ChatClient(Endpoint("local", base_url, "m"), SystemClock(), stall_seconds=60)
        bare = AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0)
        figures: dict[str, list[float]] = {"ChatClient": [], "a bare openai stream": []}
        for _ in range(rounds):
            began = time.thread_time()
            completion = await client.complete(
                Prompt("s", "u"), {}, lambda *_: None, deadline_seconds=60
            )
            figures["ChatClient"].append(time.thread_time() - began)
            assert completion.answer == answer.content
            began = time.thread_time()
            stream = await bare.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "u"}], stream=True
            )
            async for _chunk in stream:
                pass
            figures["a bare openai stream"].append(time.thread_time() - began)
        await client.close()
        await bare.close()
    for name, times in figures.items():
        say(f"2,000 deltas, {name}: median {median(times):.3f} s of CPU (budget 0.5)")
