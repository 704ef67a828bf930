"""What a cycle leaves behind: S0's log line for each symbol, and the history records."""

from collections.abc import Mapping, Sequence

from tui_trader.models import (
    ComposeAudit,
    ComposeContext,
    ComposeResult,
    CycleLog,
    HistoryRecord,
    MarketSnapshot,
    RecordKind,
    RiskResult,
    TargetPosition,
    TradeHistoryEntry,
    TxResult,
    TxStatus,
)
from tui_trader.risk.interfaces import Assessment


def build(
    *,
    context: ComposeContext,
    audit: ComposeAudit | None,
    targets: Sequence[TargetPosition],
    assessment: Assessment,
    results: Sequence[TxResult],
    mode: str,
    equity: float | None,
    recorded_at: int,
) -> list[CycleLog]:
    """One line per symbol that has a market snapshot. `equity` is quote currency after the cycle,
    `recorded_at` wall-clock ms."""
    audit = audit or ComposeAudit(provider="custom")
    snapshots = context.market_snapshot or {}
    hashes = _input_hashes(context)
    return [
        _line(
            snapshots[symbol],
            target,
            audit,
            assessment,
            [result for result in results if result.instrument.symbol == symbol],
        ).model_copy(
            update={
                "position_before": context.portfolio.quantity_of(symbol),
                "mode": mode,
                "compose_id": context.compose_id,
                "input_hash": hashes.get(symbol),
                "equity": equity,
                "recorded_at": recorded_at,
            }
        )
        for target in targets
        if (symbol := target.instrument.symbol) in snapshots
    ]


def _line(
    snapshot: MarketSnapshot,
    target: TargetPosition,
    audit: ComposeAudit,
    assessment: Assessment,
    results: Sequence[TxResult],
) -> CycleLog:
    symbol = snapshot.symbol
    risk = assessment.results.get(symbol, RiskResult(approved=True))
    filled = [result for result in results if result.filled_qty > 0]
    size = sum(result.filled_qty for result in filled)
    value = sum(result.filled_qty * (result.avg_exec_price or 0.0) for result in filled)
    failed = [result.reason for result in results if result.status is not TxStatus.FILLED]
    return CycleLog(
        timestamp=snapshot.timestamp,
        symbol=symbol,
        market_price=snapshot.price,
        position_before=0.0,
        llm_raw_output=audit.raw_output,
        parsed_action=target.action.value,
        parsed_size_pct=target.size_pct,
        parsed_reason=target.rationale,
        risk_approved=risk.approved,
        risk_reason=risk.reason,
        executed=bool(filled),
        order_id=filled[-1].order_id if filled else None,
        filled_size=size if filled else None,
        fill_price=_average(filled, value, size),
        mode="",
        provider=audit.provider,
        model=audit.model,
        outcome=audit.outcome,
        prompt_hash=audit.prompt_hash,
        verdicts=tuple(
            f"{verdict.rule}: {verdict.outcome}: {verdict.reason}"
            for verdict in assessment.verdicts
            if verdict.symbol == symbol and verdict.outcome != "pass"
        ),
        error="; ".join(filter(None, [audit.error, *failed])) or None,
        latency_ms=audit.latency_ms,
        cost_usd=audit.cost_usd,
        flags=audit.flags,
    )


def _average(filled: Sequence[TxResult], value: float, size: float) -> float | None:
    if not filled:
        return None
    return filled[0].avg_exec_price if len(filled) == 1 else value / size


def _input_hashes(context: ComposeContext) -> Mapping[str, str]:
    return {
        vector.instrument.symbol: str(vector.meta["input_hash"])
        for vector in context.features
        if vector.meta and "input_hash" in vector.meta
    }


def records(
    context: ComposeContext,
    composed: ComposeResult,
    assessment: Assessment,
    results: Sequence[TxResult],
    trades: Sequence[TradeHistoryEntry],
) -> list[HistoryRecord]:
    """The four checkpoints of a cycle; `execution` also carries the trades that it closed."""
    audit = composed.audit or ComposeAudit(provider="custom")
    payloads = {
        RecordKind.FEATURES: {
            "vectors": [
                {
                    "symbol": vector.instrument.symbol,
                    "group": (vector.meta or {}).get("group_by_key"),
                    "values": vector.values,
                }
                for vector in context.features
            ],
            "input_hash": dict(_input_hashes(context)),
        },
        RecordKind.COMPOSE: {
            "rationale": composed.rationale,
            "audit": audit.model_dump(mode="json"),
            "targets": [target.model_dump(mode="json") for target in composed.targets],
        },
        RecordKind.INSTRUCTIONS: {
            "instructions": [
                {
                    "instruction_id": instruction.instruction_id,
                    "symbol": instruction.instrument.symbol,
                    "side": instruction.side.value,
                    "quantity": instruction.quantity,
                }
                for instruction in assessment.instructions
            ],
            "verdicts": [verdict.model_dump(mode="json") for verdict in assessment.verdicts],
        },
        RecordKind.EXECUTION: execution_payload(results, trades),
    }
    return [
        HistoryRecord(ts=context.ts, kind=kind, reference_id=context.compose_id, payload=payload)
        for kind, payload in payloads.items()
    ]


def execution_payload(
    results: Sequence[TxResult], trades: Sequence[TradeHistoryEntry]
) -> dict[str, object]:
    """What an execution record holds: outcomes and the trades that they closed."""
    return {
        "results": [result.model_dump(mode="json", exclude={"fills"}) for result in results],
        "trades": [trade.model_dump(mode="json") for trade in trades],
    }
