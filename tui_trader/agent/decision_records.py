"""A decision as it was written down, read back from the checkpoints that `cycle_logs` makes."""

from collections.abc import Sequence

from tui_trader.models import DecisionRecord, HistoryRecord, RecordKind


def decision_record(records: Sequence[HistoryRecord]) -> DecisionRecord | None:
    """What `records` of one cycle say of its decision; None where they hold none (an order of the
    operator's has no decision).

    Raises ValidationError where another version of the program wrote something else.
    """
    by_kind = {record.kind: record for record in records}
    composed = by_kind.get(RecordKind.COMPOSE)
    if composed is None:
        return None

    def rows(kind: RecordKind, name: str) -> object:
        record = by_kind.get(kind)
        return record.payload.get(name, ()) if record else ()

    return DecisionRecord.model_validate(
        {
            "compose_id": composed.reference_id,
            "ts": composed.ts,
            "audit": composed.payload["audit"],
            "rationale": composed.payload.get("rationale"),
            "targets": rows(RecordKind.COMPOSE, "targets"),
            "features": rows(RecordKind.FEATURES, "vectors"),
            "instructions": rows(RecordKind.INSTRUCTIONS, "instructions"),
            "verdicts": rows(RecordKind.INSTRUCTIONS, "verdicts"),
            "results": rows(RecordKind.EXECUTION, "results"),
            "trades": rows(RecordKind.EXECUTION, "trades"),
        }
    )
