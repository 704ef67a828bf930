"""Recorded answers: the same bytes again, without a call, from a file that is never changed."""

import asyncio
import json
import socket
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decision.providers.chain import NOON, ManualClock
from tui_trader.decision.prompt import Prompt
from tui_trader.decision.providers.completion import FailureKind
from tui_trader.decision.providers.interfaces import Question, Reply
from tui_trader.decision.providers.recorded import RecordedGateway
from tui_trader.messages import Message, ModelState, ModelStatus
from tui_trader.models import ComposeAudit, HistoryRecord, ModelCall, RecordKind
from tui_trader.trading_history.store import Store

ANSWER = '{"action": "long", "size_pct": 0.05, "reason": "up"}'
LARGE = "".join(f"{number:06d} 決め 🚀\n" for number in range(60_000))


def prompt(number: int = 1) -> Prompt:
    return Prompt(system="Decide.", user=f"Time: {number}")


def question(number: int = 1, compose_id: str = "") -> Question:
    return Question(compose_id or f"run-1-{number}", prompt(number), {})


def audit(number: int = 1, **changes: Any) -> ComposeAudit:
    values = {
        "provider": "deepseek",
        "model": "deepseek-chat-0324",
        "prompt": prompt(number).text,
        "prompt_hash": prompt(number).sha256,
        "raw_output": ANSWER,
        "reasoning": "EMA20 is above EMA50.",
        "finish_reason": "stop",
        "token_usage": {"prompt_tokens": 400, "completion_tokens": 60},
        "latency_ms": 4_000,
        "first_token_ms": 300,
        "parameters": {"temperature": 0.2},
        **changes,
    }
    return ComposeAudit.model_validate(values)


def write(path: Path, audits: Sequence[tuple[str, ComposeAudit]]) -> Path:
    """The state of a run that recorded `audits`, each in its cycle, and was closed."""
    store = Store(path)
    for compose_id, each in audits:
        payload = {"rationale": None, "audit": each.model_dump(mode="json")}
        record = HistoryRecord(
            ts=NOON, kind=RecordKind.COMPOSE, reference_id=compose_id, payload=payload
        )
        store.record_cycle([record], None, {})
    store.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def gateway(path: Path, messages: list[Message] | None = None) -> RecordedGateway:
    publish = ([] if messages is None else messages).append
    return RecordedGateway(path, clock=ManualClock(), publish=publish)


async def replay(path: Path, asked: Question) -> Reply:
    return await gateway(path).ask(asked, lambda _reasoning, _answer: None)


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        LARGE,
        "\x00\x01\x1b[31m\u202e\ufeff\ud7ff\U0010ffff\ufffd\r\n\u2028",
        "",
        '"\\ud800\\u0000" \\',
    ],
    ids=["an answer", "1 MB", "control characters", "nothing", "escapes"],
)
async def test_a_replay_gives_the_same_bytes_and_makes_no_call(
    path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, [("run-1-1", audit(raw_output=text, reasoning=text))])

    def call(*_: object) -> None:
        raise AssertionError("a call was made")

    monkeypatch.setattr(socket.socket, "connect", call)
    seen: list[tuple[str, str]] = []
    reply = await gateway(path).ask(question(), lambda *texts: seen.append(texts))
    completion = reply.completion
    assert completion.answer.encode() == completion.reasoning.encode() == text.encode()
    assert seen == [(text, text)]
    assert (reply.outcome, reply.provider, reply.calls) == ("ok", "recorded", ())
    assert (completion.model, completion.finish_reason) == ("deepseek-chat-0324", "stop")
    assert (completion.failure, completion.error) == (None, None)
    assert (completion.latency_ms, completion.first_token_ms) == (4_000, 300)
    assert completion.usage == {"prompt_tokens": 400, "completion_tokens": 60}
    assert completion.parameters == {"temperature": 0.2}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_whatever_a_model_said_is_replayed(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorded = [
            (f"run-1-{number}", audit(number, raw_output=text, reasoning=text[::-1]))
            for number, text in enumerate(texts)
        ]
        replayer = gateway(write(Path(folder) / "state.db", recorded))
        for number, text in enumerate(texts):
            reply = asyncio.run(replayer.ask(question(number), lambda _reasoning, _answer: None))
            assert reply.completion.answer == text
            assert reply.completion.reasoning == text[::-1]


async def test_a_lone_surrogate_of_another_s_file_comes_as_what_can_be_written_down(
    path: Path,
) -> None:
    write(path, [("run-1-1", audit(raw_output="MARK"))])
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE history SET payload = replace(payload, 'MARK', ?)", ("a\\ud800",)
        )
    connection.close()
    assert (await replay(path, question())).completion.answer == "a\ufffd"


async def test_an_answer_that_could_not_be_read_is_given_to_be_read_again(path: Path) -> None:
    broken = audit(outcome="parse_error", error="no JSON", raw_output="I would buy")
    write(path, [("run-1-1", broken)])
    reply = await replay(path, question())
    assert (reply.outcome, reply.completion.answer) == ("ok", "I would buy")
    assert reply.completion.error is None


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [("llm_error", FailureKind.INCOMPLETE), ("stopped", FailureKind.CREDENTIAL), ("capped", None)],
)
async def test_a_recorded_failure_is_the_same_failure(
    path: Path, outcome: str, kind: FailureKind | None
) -> None:
    call = ModelCall(
        compose_id="run-1-1",
        attempt=1,
        asked_at=NOON,
        provider="deepseek",
        model="m",
        outcome=str(kind),
    )
    failed = audit(
        outcome=outcome, error="it was cut", raw_output='{"act', calls=(call,) if kind else ()
    )
    write(path, [("run-1-1", failed)])
    reply = await replay(path, question())
    assert reply.outcome == outcome
    assert (reply.completion.failure, reply.completion.error) == (kind, "it was cut")
    assert reply.completion.answer == '{"act'


async def test_a_missing_record_is_an_error_that_says_what_is_there_instead(path: Path) -> None:
    write(path, [("run-1-1", audit(1))])
    other, unknown = [
        await replay(path, question(2, compose_id)) for compose_id in ("run-1-1", "run-1-9")
    ]
    for reply in (other, unknown):
        assert (reply.outcome, reply.completion.answer, reply.calls) == ("llm_error", "", ())
        assert str(path) in str(reply.completion.error)
    assert "cycle run-1-1 was recorded with another prompt" in str(other.completion.error)
    assert "nor is anything of cycle run-1-9" in str(unknown.completion.error)


async def test_of_several_records_of_a_prompt_that_of_the_cycle_is_taken_else_the_newest(
    path: Path,
) -> None:
    recorded = [(f"run-{run}-1", audit(raw_output=f"of run {run}")) for run in (1, 2, 3)]
    write(path, recorded)
    for compose_id, said in (("run-2-1", "of run 2"), ("run-9-1", "of run 3")):
        assert (await replay(path, question(1, compose_id))).completion.answer == said


async def test_the_file_and_its_folder_stay_as_they_are(path: Path) -> None:
    write(path, [("run-1-1", audit())])
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert list(before) == ["state.db"]
    replayer = gateway(path)
    await replayer.prepare()
    await replayer.ask(question(), lambda _reasoning, _answer: None)
    await replayer.close()
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


async def test_an_older_schema_is_read_and_not_migrated(path: Path) -> None:
    write(path, [("run-1-1", audit())])
    with sqlite3.connect(path) as connection:
        connection.executescript("DROP TABLE calls; PRAGMA user_version = 1")
    connection.close()
    assert (await replay(path, question())).completion.answer == ANSWER
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


async def test_a_state_that_its_own_agent_still_writes_can_be_replayed(path: Path) -> None:
    write(path, [("run-1-1", audit())])
    store = Store(path)
    store.save_risk_state({"n": 1})
    replayer = gateway(path)
    store.save_risk_state({"n": 2})
    reply = await replayer.ask(question(), lambda _reasoning, _answer: None)
    assert reply.completion.answer == ANSWER
    assert store.risk_state() == {"n": 2}
    store.close()


def test_a_file_that_can_t_be_replayed_is_refused_with_its_name_and_the_remedy(
    path: Path,
) -> None:
    def refused(said: str) -> None:
        with pytest.raises(ValueError, match=said) as raised:
            gateway(path)
        assert str(path) in str(raised.value)
        assert "name the state.db of a run" in str(raised.value)

    refused("llm.recorded = .*no such file")
    assert not path.exists()
    path.write_bytes(b"something else entirely" * 100)
    refused("not a database")
    path.unlink()
    sqlite3.connect(path).executescript("CREATE TABLE orders (id)").connection.close()
    refused("no such table: history")
    path.unlink()
    write(path, [("run-1-1", ComposeAudit(provider="rules"))])
    refused("no answer of a model is recorded")


def test_a_file_that_goes_away_is_an_error_and_is_not_made_anew(path: Path) -> None:
    replayer = gateway(write(path, [("run-1-1", audit())]))
    path.unlink()
    reply = asyncio.run(replayer.ask(question(), lambda _reasoning, _answer: None))
    assert (reply.outcome, path.exists()) == ("llm_error", False)


async def test_a_record_that_is_damaged_or_gone_is_an_error_and_raises_nothing(
    path: Path,
) -> None:
    write(path, [("run-1-1", audit(1)), ("run-1-2", audit(2))])
    replayer = gateway(path)
    with sqlite3.connect(path) as connection:
        payload = {"audit": {"provider": 7}}
        connection.execute(
            "UPDATE history SET payload = ? WHERE reference_id = 'run-1-1'", (json.dumps(payload),)
        )
        connection.execute("DELETE FROM history WHERE reference_id = 'run-1-2'")
    connection.close()
    for number, said in ((1, "ComposeAudit"), (2, "is gone from")):
        reply = await replayer.ask(question(number), lambda _reasoning, _answer: None)
        assert reply.outcome == "llm_error"
        assert said in str(reply.completion.error)


async def test_the_status_says_what_is_replayed_and_that_it_costs_nothing(path: Path) -> None:
    write(path, [("run-1-1", audit(1)), ("run-1-2", audit(2))])
    messages: list[Message] = []
    replayer = gateway(path, messages)
    await replayer.prepare()
    await replayer.ask(question(), lambda _reasoning, _answer: None)
    first, second = messages
    assert isinstance(first, ModelStatus)
    assert isinstance(second, ModelStatus)
    assert first.detail == f"2 answers are recorded in {path}"
    assert (first.provider, first.state) == ("recorded", ModelState.READY)
    assert second.model == "deepseek-chat-0324"
    assert (second.calls_run, second.cost_run_usd, second.cost_today_usd) == (0, 0.0, 0.0)


async def test_a_name_with_unusual_characters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "50% off?#1 ü"
    folder.mkdir()
    write(folder / "state.db", [("run-1-1", audit())])
    assert (await replay(folder / "state.db", question())).outcome == "ok"
