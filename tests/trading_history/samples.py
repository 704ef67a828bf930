"""Values that the tests of this stage share."""

import json
from pathlib import Path
from typing import Any

from tui_trader.models import (
    CycleLog,
    Fill,
    InstrumentRef,
    ModelCall,
    OrderRecord,
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderStep,
    TradeInstruction,
    TradeSide,
)

BTC = InstrumentRef(symbol="BTC/USDT", quote_ccy="USDT")
DAY_MS = 86_400_000
NOON = 1_730_462_400_000  # 2024-11-01 12:00 UTC

# The four records of the operator's manual, word for word.
MANUAL: dict[str, dict[str, Any]] = {
    "successful trade": {
        "timestamp": 1730395200000,
        "symbol": "BTC/USDT",
        "market_price": 68654.5,
        "position_before": 0.0,
        "llm_raw_output": '{"action": "long", "size_pct": 0.25, "reason": '
        '"Strong bullish momentum with EMA(20) > EMA(50) and RSI at 58"}',
        "parsed_action": "long",
        "parsed_size_pct": 0.25,
        "parsed_reason": "Strong bullish momentum with EMA(20) > EMA(50) and RSI at 58",
        "risk_approved": True,
        "risk_reason": "",
        "executed": True,
        "order_id": "87654321",
        "filled_size": 0.036,
        "fill_price": 68655.0,
        "mode": "testnet",
    },
    "risk denial": {
        "timestamp": 1730395230000,
        "symbol": "BTC/USDT",
        "market_price": 68700.0,
        "position_before": 0.036,
        "llm_raw_output": '{"action": "long", "size_pct": 0.50, "reason": '
        '"Continue building position"}',
        "parsed_action": "long",
        "parsed_size_pct": 0.5,
        "parsed_reason": "Continue building position",
        "risk_approved": False,
        "risk_reason": "exceeds max position size",
        "executed": False,
        "order_id": None,
        "filled_size": None,
        "fill_price": None,
        "mode": "testnet",
    },
    "hold": {
        "timestamp": 1730395260000,
        "symbol": "BTC/USDT",
        "market_price": 68680.0,
        "position_before": 0.036,
        "llm_raw_output": '{"action": "hold", "size_pct": 0.0, "reason": '
        '"Market consolidating, waiting for clearer signal"}',
        "parsed_action": "hold",
        "parsed_size_pct": 0.0,
        "parsed_reason": "Market consolidating, waiting for clearer signal",
        "risk_approved": True,
        "risk_reason": "",
        "executed": False,
        "order_id": None,
        "filled_size": None,
        "fill_price": None,
        "mode": "testnet",
    },
    "parsing error": {
        "timestamp": 1730395290000,
        "symbol": "BTC/USDT",
        "market_price": 68720.0,
        "position_before": 0.036,
        "llm_raw_output": "I think we should buy more because the trend looks good",
        "parsed_action": "hold",
        "parsed_size_pct": 0.0,
        "parsed_reason": "forced hold due to parsing error",
        "risk_approved": True,
        "risk_reason": "",
        "executed": False,
        "order_id": None,
        "filled_size": None,
        "fill_price": None,
        "mode": "testnet",
    },
}


def cycle_log(**changes: Any) -> CycleLog:
    """A cycle's line at `NOON`, changed as asked."""
    values = {**MANUAL["hold"], "compose_id": "run-1", "recorded_at": NOON, **changes}
    return CycleLog.model_validate(values)


def instruction(number: int = 1, quantity: float = 0.1) -> TradeInstruction:
    """The order of cycle `number`."""
    return TradeInstruction(
        instruction_id=f"c{number}:BTC/USDT",
        compose_id=f"c{number}",
        instrument=BTC,
        side=TradeSide.BUY,
        quantity=quantity,
        meta={"rationale": "up"},
    )


def fill(trade_id: str = "t1", symbol: str = "BTC/USDT", **changes: Any) -> Fill:
    """A fill of instruction 1, changed as asked."""
    values = {
        "trade_id": trade_id,
        "order_id": "o1",
        "instruction_id": "c1:BTC/USDT",
        "compose_id": "c1",
        "symbol": symbol,
        "side": TradeSide.BUY,
        "quantity": 0.1,
        "price": 68_000.5,
        "fee": 0.3,
        "ts": NOON,
        **changes,
    }
    return Fill.model_validate(values)


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def call(attempt: int = 1, **changes: Any) -> ModelCall:
    """A call for cycle 1, changed as asked."""
    values = {
        "compose_id": "c1",
        "attempt": attempt,
        "asked_at": NOON,
        "provider": "deepseek",
        "model": "deepseek-chat",
        "token_usage": {"prompt_tokens": 2_000, "completion_tokens": 300},
        "cost_usd": 0.1,
        "latency_ms": 4_000,
        "first_token_ms": 500,
        **changes,
    }
    return ModelCall.model_validate(values)


def order(
    number: int = 1,
    name: str | None = None,
    *,
    quantity: float = 0.1,
    reason: str = "",
    **changes: Any,
) -> tuple[OrderRecord, TradeInstruction]:
    """An order as it is written down, and what asked for it; `changes` of the record."""
    asked = instruction(number, quantity)
    request = OrderRequest(
        client_order_id=name or f"o{number}",
        symbol=asked.instrument.symbol,
        side=asked.side,
        quantity=quantity,
    )
    step = OrderStep(ts=NOON + number, status=OrderStatus.INTENDED, reason=reason)
    record = OrderRecord(
        request=request,
        role=OrderRole.ENTRY,
        instruction_id=asked.instruction_id,
        compose_id=asked.compose_id,
        steps=(step,),
    )
    return record.model_copy(update=changes), asked
