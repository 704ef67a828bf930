"""Records of decisions that this console has asked for: bounded, and cleaned on the way in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tui_trader.messages import CommandResult, InspectDecision
from tui_trader.models import DecisionRecord
from tui_trader.text import clean, one_line
from tui_trader.view.model import MAX_INSPECTIONS, Inspection

MAX_PASSAGE = 200_000
"""Characters of a prompt, an answer or a reasoning that are shown; a long prompt has 20,000."""

MAX_TEXT = 20_000
MAX_ROWS = 500
_PASSAGES = ("prompt", "raw_output", "reasoning")

Inspections = tuple[Inspection, ...]


def asked(known: Inspections, command: InspectDecision) -> Inspections:
    """The inspections once `command` is on its way; the oldest gives way."""
    others = tuple(it for it in known if it.compose_id != command.compose_id)
    return (*others, Inspection(command.compose_id, command.command_id))[-MAX_INSPECTIONS:]


def arrived(known: Inspections, record: DecisionRecord) -> Inspections:
    """The inspections once `record` is here; what another viewer asked for is not kept."""
    return tuple(_filled(it, record) if it.compose_id == record.compose_id else it for it in known)


def answered(known: Inspections, answer: CommandResult) -> Inspections:
    """The inspections once the engine has answered. A record that was announced and is not here
    was overtaken on its way."""
    why = "it was lost on its way" if answer.ok else one_line(answer.detail)
    return tuple(
        replace(it, refused=why) if it.command_id == answer.command_id and it.record is None else it
        for it in known
    )


def _filled(inspection: Inspection, record: DecisionRecord) -> Inspection:
    audit = record.audit
    passages = {name: str(getattr(audit, name)) for name in _PASSAGES}
    short = audit.model_copy(update=dict.fromkeys(_PASSAGES, ""))
    values = _cleaned(record.model_copy(update={"audit": short}).model_dump())
    values["audit"] |= {name: clean(text, MAX_PASSAGE) for name, text in passages.items()}
    return replace(
        inspection,
        record=DecisionRecord.model_validate(values),
        cut={name: max(len(text) - MAX_PASSAGE, 0) for name, text in passages.items()},
        refused=None,
    )


def _cleaned(value: Any) -> Any:
    """Every text in `value` fit for the screen, and no list longer than anybody reads."""
    if isinstance(value, str):
        return clean(value, MAX_TEXT)
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        kept = [_cleaned(item) for item in value[:MAX_ROWS]]
        more = len(value) - MAX_ROWS
        return [*kept, f"and {more} more"] if more > 0 and isinstance(kept[0], str) else kept
    return value


def remarks(texts: Sequence[str], limit: int = 50) -> tuple[str, ...]:
    """Remarks on an answer, each in one line; of too many the first, and how many there are."""
    kept = tuple(map(one_line, texts[:limit]))
    return (*kept, f"and {len(texts) - limit} more") if len(texts) > limit else kept
