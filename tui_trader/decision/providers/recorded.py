"""The model of an earlier run: its recorded answers, again."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tui_trader.clock import Clock
from tui_trader.decision.interfaces import OnReasoning
from tui_trader.decision.json_reader import printable
from tui_trader.decision.providers.completion import Completion, FailureKind
from tui_trader.decision.providers.interfaces import BaseModelGateway, Question, Reply
from tui_trader.messages import Message, ModelState, ModelStatus
from tui_trader.models import ComposeAudit

PROVIDER = "recorded"

_INDEX = (
    "SELECT seq, reference_id, json_extract(payload, '$.audit.prompt_hash') FROM history"
    " WHERE kind = 'compose' AND json_extract(payload, '$.audit.prompt_hash') IS NOT NULL"
    " ORDER BY seq"
)
_RECORD = "SELECT payload FROM history WHERE seq = ?"


class RecordedGateway(BaseModelGateway):
    """Answers from the `compose` records of the state in `path`, by the hash of the prompt.

    Of several records of one prompt that of the same cycle is taken, else the newest. What was an
    answer then is one again, and a failure the same failure; what was never asked is an error. No
    call is made, and the file is only read: each time for a moment, so that its own agent may work
    on it meanwhile.
    """

    def __init__(self, path: Path, *, clock: Clock, publish: Callable[[Message], None]) -> None:
        """Read which prompts are recorded. Raises ValueError where `path` is no such state."""
        self._path = path
        self._clock = clock
        self._publish = publish
        self._by_hash: dict[str, dict[str, int]] = {}
        self._cycles: set[str] = set()
        self._model = ""
        if not path.is_file():
            raise ValueError(f"llm.recorded = {str(path)!r}: no such file: {_REMEDY}")
        try:
            with _reading(path) as connection:
                for seq, compose_id, prompt_hash in connection.execute(_INDEX):
                    self._by_hash.setdefault(prompt_hash, {})[compose_id] = seq
                    self._cycles.add(compose_id)
        except sqlite3.Error as error:
            raise ValueError(f"llm.recorded = {str(path)!r}: {error}: {_REMEDY}") from None
        if not self._by_hash:
            raise ValueError(
                f"llm.recorded = {str(path)!r}: no answer of a model is recorded there: {_REMEDY}"
            )

    @property
    def status(self) -> ModelStatus:
        return ModelStatus(
            ts=self._clock.now_ms(),
            state=ModelState.READY,
            provider=PROVIDER,
            model=self._model,
            detail=f"{len(self._by_hash)} answers are recorded in {self._path}",
            cost_today_usd=0.0,
            cost_run_usd=0.0,
        )

    async def prepare(self) -> None:
        self._publish(self.status)

    async def ask(self, question: Question, on_delta: OnReasoning) -> Reply:
        try:
            audit = self._find(question)
        except (LookupError, ValueError, sqlite3.Error) as error:
            return Reply("llm_error", PROVIDER, Completion(self._model, error=str(error)))
        completion = _completion(audit)
        self._model = completion.model
        on_delta(completion.reasoning, completion.answer)
        self._publish(self.status)
        # An answer that could not be read then is read again now.
        outcome = "ok" if audit.outcome == "parse_error" else audit.outcome
        return Reply(outcome, PROVIDER, completion)

    def _find(self, question: Question) -> ComposeAudit:
        prompt_hash, cycle = question.prompt.sha256, question.compose_id
        recorded = self._by_hash.get(prompt_hash)
        if recorded is None:
            because = (
                f"cycle {cycle} was recorded with another prompt: data, template or configuration"
                " differ from that run's"
                if cycle in self._cycles
                else f"nor is anything of cycle {cycle}"
            )
            raise LookupError(f"no answer to this prompt is recorded in {self._path}: {because}")
        seq = recorded.get(cycle, max(recorded.values()))
        with _reading(self._path) as connection:
            row = connection.execute(_RECORD, (seq,)).fetchone()
        if row is None:
            raise LookupError(f"the record of cycle {cycle} is gone from {self._path}")
        return ComposeAudit.model_validate(_printable(json.loads(row[0])["audit"]))


_REMEDY = "name the state.db of a run whose answers are to be used again"


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can change nothing.

    Where no write-ahead log lies beside it the file is whole by itself and is read as it is: SQLite
    would make that log's files for a reader too.
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        yield connection


def _completion(audit: ComposeAudit) -> Completion:
    """What the composer was given then."""
    answered = audit.outcome in ("ok", "parse_error")
    return Completion(
        model=audit.model or "",
        answer=audit.raw_output,
        reasoning=audit.reasoning,
        finish_reason=audit.finish_reason,
        usage=audit.token_usage,
        first_token_ms=audit.first_token_ms,
        latency_ms=audit.latency_ms or 0,
        failure=None if answered else _failure(audit),
        error=None if answered else audit.error or audit.outcome,
        parameters=audit.parameters,
    )


def _failure(audit: ComposeAudit) -> FailureKind | None:
    """How the last call failed, None where none was made."""
    last = audit.calls[-1].outcome if audit.calls else ""
    return next((kind for kind in FailureKind if kind == last), None)


def _printable(value: Any) -> Any:
    """`value` with all its texts as a client gives them: whatever was recorded, it can be written
    down again."""
    match value:
        case str():
            return printable(value)
        case list():
            return [_printable(item) for item in value]
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case _:
            return value
