import pytest

from tests.decision.contexts import BTC, ETH, TS, UPTREND, make_context
from tui_trader.decision.formats import FORMATS, PlanFormat, SimpleFormat
from tui_trader.decision.prompt import build_prompt
from tui_trader.models import Constraints, InstrumentRef, TradeDigestEntry

LIMITS = Constraints(
    max_positions=3,
    max_leverage=2.5,
    max_equity_usage_pct=0.1,
    daily_loss_cap_pct=0.05,
    cooldown_seconds=5_400,
    min_notional=10.0,
)


def test_it_has_every_section_the_stable_ones_first() -> None:
    text = build_prompt(make_context(prompt_text="Never trade on Sundays."), SimpleFormat()).text
    sections = [
        "ALLOWED ACTIONS",
        "CONSTRAINTS",
        "OUTPUT FORMAT",
        "STRATEGY",
        "Never trade on Sundays.",
        "MARKET CONTEXT",
        "YOUR POSITION",
        "RECENT RESULTS",
        "Output your decision as JSON now:",
    ]
    places = [text.index(section) for section in sections]
    assert places == sorted(places)


def test_what_changes_from_cycle_to_cycle_is_only_in_the_user_message() -> None:
    first = build_prompt(make_context(), PlanFormat())
    second = build_prompt(make_context(held={BTC: 1.0}, equity=9_000.0), PlanFormat())
    assert first.system == second.system
    assert first.user != second.user
    assert first.sha256 != second.sha256
    assert len(first.sha256) == 64


def test_the_market_and_the_position_are_told() -> None:
    user = build_prompt(make_context(held={BTC: 0.5}), SimpleFormat()).user
    for line in (
        "Time: 2024-10-31 17:20:00 UTC",
        "- Price: 102",
        "- Bid: 101.898, ask: 102.102",
        "- Trend: bullish (ema_20 against ema_50)",
        "- Features of closed 5m candles:",
        "  - ema_20: 101",
        "  - rsi_14: 60",
        "- Account equity: 10000 USDT",
        "- BTC/USDT: long, quantity 0.5, entry price 100, unrealized profit 12.5 USDT,"
        " held for 2 h 5 min",
    ):
        assert f"\n{line}\n" in user


def test_a_missing_feature_is_called_missing_and_never_zero() -> None:
    context = make_context({BTC: {"rsi_14": 55.0}}, missing=("ema_50", "adx_14"))
    user = build_prompt(context, SimpleFormat()).user
    for name in ("ema_20", "ema_50", "adx_14"):
        assert f"  - {name}: missing (not enough history yet)\n" in user
    assert "- Trend: missing (not enough history yet)\n" in user
    assert user.count("rsi_14") == 1


def test_unknown_prices_and_equity_are_called_unknown() -> None:
    user = build_prompt(make_context(prices={}, equity=None), SimpleFormat()).user
    assert "- Price: unknown\n" in user
    assert "- Bid: unknown, ask: unknown\n" in user
    assert "- Account equity: unknown\n" in user


def test_stale_prices_are_marked_with_their_age() -> None:
    user = build_prompt(make_context(stale_ms=95_000), SimpleFormat()).user
    assert "These prices are 1 min 35 s old" in user


def test_the_digest_of_each_symbol_is_told() -> None:
    entry = TradeDigestEntry(
        instrument=InstrumentRef(symbol=BTC),
        trade_count=7,
        realized_pnl=-31.25,
        win_rate=3 / 7,
        avg_holding_ms=540_000,
        last_trade_ts=TS - 60_000,
        max_drawdown=40.0,
        recent_performance_score=-0.2,
    )
    context = make_context({BTC: UPTREND, ETH: UPTREND}, digest={BTC: entry})
    user = build_prompt(context, PlanFormat()).user
    assert (
        "- BTC/USDT: 7 closed trades, realized profit -31.25 USDT, 43 % of them won,"
        " held for 9 min on average, last trade 1 min ago, largest drawdown 40 USDT,"
        " recent score -0.20 (-1 all lost, 1 all won)\n"
    ) in user
    assert "- ETH/USDT: no closed trades yet\n" in user


def test_limits_are_told_as_facts_and_durations_in_time() -> None:
    system = build_prompt(make_context(constraints=LIMITS), SimpleFormat()).system
    for fact in ("10.0 % of equity", "2.5x", "more than 3", "5.0 %", "1 h 30 min", "at least 10 "):
        assert fact in system
    assert "cycle" not in system


@pytest.mark.parametrize("name", FORMATS)
def test_every_action_has_a_meaning_and_json_is_asked_for(name: str) -> None:
    answer_format = FORMATS[name]()
    system = build_prompt(make_context(), answer_format).system
    assert "JSON" in system
    for action, meaning in answer_format.actions(allow_short=False).items():
        assert f'- "{action}": {meaning}\n' in system
    assert answer_format.describe() in system
    assert f'when you are not sure, answer "{answer_format.idle}"' in system


@pytest.mark.parametrize("name", FORMATS)
def test_the_model_is_told_where_shorts_are_not_possible(name: str) -> None:
    forbidden = build_prompt(make_context(), FORMATS[name]()).system
    shorts = make_context(constraints=Constraints(allow_short=True))
    allowed = build_prompt(shorts, FORMATS[name]()).system
    assert "Short positions are not possible." in forbidden
    assert "not possible" not in allowed
