import pytest

from tests.portfolio.books import BTC, fill
from tui_trader.clock import VirtualClock
from tui_trader.models import (
    Constraints,
    InstrumentRef,
    Protection,
    Ticker,
    TradeSide,
    TradeType,
    TxResult,
    TxStatus,
)
from tui_trader.portfolio.ledger import Ledger
from tui_trader.portfolio.service import InMemoryPortfolioService

ETH = "ETH/USDT"


def quiet(symbol: str) -> Ticker | None:
    """A market that has not spoken yet."""
    return None


def quote(symbol: str, last: float, bid: float = 0.0, ask: float = 0.0) -> Ticker:
    return Ticker(symbol=symbol, ts=0, bid=bid or last, ask=ask or last, last=last)


def bought(quantity: float, price: float, symbol: str = BTC, fee: float = 0.0) -> Ledger:
    ledger = Ledger(1_000.0, strategy_id="s")
    ledger.apply(fill(TradeSide.BUY, quantity, price, fee, "in", symbol=symbol, ts=7))
    return ledger


def test_a_new_account_is_worth_its_capital() -> None:
    limits = Constraints(max_leverage=3.0)
    service = InMemoryPortfolioService(
        Ledger(1_000.0, quote_ccy="BTC"), quiet, VirtualClock(42), constraints=limits
    )
    view = service.get_view()
    assert (view.ts, view.cash, view.total_value) == (42, 1_000.0, 1_000.0)
    assert (view.gross_exposure, view.net_exposure, view.total_unrealized_pnl) == (0, 0, 0)
    assert (view.available_cash, view.buying_power) == (1_000.0, 1_000.0)
    assert (view.quote_ccy, view.constraints, view.positions) == ("BTC", limits, {})


def test_a_position_is_marked_to_the_last_price_within_the_quote() -> None:
    quotes = {BTC: quote(BTC, 120.0, bid=109.0, ask=110.0)}
    service = InMemoryPortfolioService(bought(2, 100, fee=0.5), quotes.get, VirtualClock(0))
    view = service.get_view()
    position = view.positions[BTC]
    assert (position.quantity, position.avg_price, position.mark_price) == (2.0, 100.0, 110.0)
    assert (position.unrealized_pnl, position.pnl_pct, position.notional) == (20.0, 0.1, 220.0)
    assert (position.trade_type, position.entry_ts) == (TradeType.LONG, 7)
    assert (view.cash, view.fees_paid, view.total_unrealized_pnl) == (999.5, 0.5, 20.0)
    assert (view.total_value, view.gross_exposure, view.net_exposure) == (1_019.5, 220.0, 220.0)


@pytest.mark.parametrize("quotes", [{}, {BTC: quote(BTC, 0.0)}])
def test_without_a_price_what_depends_on_it_is_unknown_and_not_zero(
    quotes: dict[str, Ticker],
) -> None:
    service = InMemoryPortfolioService(
        bought(2, 100), quotes.get, VirtualClock(0), market="linear", leverage=2
    )
    view = service.get_view()
    assert view.quantity_of(BTC) == 2.0
    position = view.positions[BTC]
    assert (position.mark_price, position.unrealized_pnl, position.notional) == (None, None, None)
    assert (view.total_value, view.total_unrealized_pnl, view.gross_exposure) == (None, None, None)
    assert (view.available_cash, view.buying_power) == (None, None)
    assert view.cash == 1_000.0


def test_spot_can_spend_what_it_has_not_spent() -> None:
    service = InMemoryPortfolioService(
        bought(2, 100, fee=1.0), {BTC: quote(BTC, 200.0)}.get, VirtualClock(0), leverage=5
    )
    view = service.get_view()
    assert (view.available_cash, view.buying_power) == (799.0, 799.0)


def test_a_linear_account_can_use_its_equity_less_margin_times_leverage() -> None:
    service = InMemoryPortfolioService(
        bought(10, 100),
        {BTC: quote(BTC, 110.0)}.get,
        VirtualClock(0),
        market="linear",
        leverage=2,
    )
    view = service.get_view()
    assert (view.total_value, view.available_cash, view.buying_power) == (1_100.0, 550.0, 1_100.0)


def test_a_short_counts_positive_in_gross_and_negative_in_net_exposure() -> None:
    ledger = bought(1, 100)
    ledger.apply(fill(TradeSide.SELL, 10, 10, 0, "short", symbol=ETH))
    quotes = {BTC: quote(BTC, 100.0), ETH: quote(ETH, 9.0)}
    service = InMemoryPortfolioService(ledger, quotes.get, VirtualClock(0), market="linear")
    view = service.get_view()
    assert (view.gross_exposure, view.net_exposure, view.total_value) == (190.0, 10.0, 1_010.0)
    assert view.positions[ETH].trade_type is TradeType.SHORT


def result(**more: object) -> TxResult:
    return TxResult.model_validate(
        {
            "instruction_id": f"c7:{BTC}",
            "instrument": InstrumentRef(symbol=BTC),
            "side": TradeSide.BUY,
            "status": TxStatus.FILLED,
            "requested_qty": 2,
            "filled_qty": 2,
            **more,
        }
    )


def test_the_fills_of_results_are_booked_each_once() -> None:
    service = InMemoryPortfolioService(Ledger(1_000.0), quiet, VirtualClock(0))
    fills = (fill(TradeSide.BUY, 1, 100, 0, "a"), fill(TradeSide.BUY, 1, 101, 0, "b"))
    filled = result(fills=fills, avg_exec_price=100.5, leverage=3.0)
    assert service.apply_trades([filled, filled]) == []
    position = service.get_view().positions[BTC]
    assert (position.quantity, position.avg_price, position.leverage) == (2.0, 100.5, 3.0)


def test_a_result_that_tells_no_fills_is_booked_as_one() -> None:
    service = InMemoryPortfolioService(Ledger(1_000.0), quiet, VirtualClock(99))
    told = result(avg_exec_price=100.0, fee_cost=0.5)
    service.apply_trades([told], [])
    service.apply_trades([told])
    view = service.get_view()
    assert (view.quantity_of(BTC), view.fees_paid) == (2.0, 0.5)
    closing = result(
        instruction_id=f"c8:{BTC}", side=TradeSide.SELL, avg_exec_price=110.0, filled_qty=2
    )
    (entry,) = service.apply_trades([closing])
    assert (entry.realized_pnl, entry.compose_id) == (19.5, "c8")


def test_a_position_tells_who_opened_it_where_the_order_says_so() -> None:
    for instruction_id, opened_by in ((f"c7:{BTC}", "c7"), ("of-a-gateway-of-its-own", None)):
        service = InMemoryPortfolioService(Ledger(1_000.0), quiet, VirtualClock(0))
        service.apply_trades([result(instruction_id=instruction_id, avg_exec_price=100.0)])
        assert service.get_view().positions[BTC].opened_by == opened_by


def test_refused_orders_book_nothing() -> None:
    service = InMemoryPortfolioService(Ledger(1_000.0), quiet, VirtualClock(0))
    refused = result(status=TxStatus.REJECTED, filled_qty=0)
    assert service.apply_trades([refused]) == []
    assert service.get_view().positions == {}


def test_realised_profit_and_balance_agree() -> None:
    ledger = bought(2, 100, fee=0.2)
    ledger.apply_funding(BTC, 0.7, 1)
    ledger.apply(fill(TradeSide.SELL, 1, 110, 0.11, "out"))
    service = InMemoryPortfolioService(ledger, {BTC: quote(BTC, 110.0)}.get, VirtualClock(0))
    view = service.get_view()
    assert view.total_realized_pnl == 10.7
    assert view.cash == view.account_balance == pytest.approx(1_000 + 10.7 - 0.31)
    assert view.positions[BTC].realized_pnl == 10.0


def test_a_position_tells_what_protects_it_and_where_it_is_liquidated() -> None:
    protection = Protection(stop_loss=90.0)
    service = InMemoryPortfolioService(
        bought(2, 100),
        {BTC: quote(BTC, 100.0)}.get,
        VirtualClock(0),
        protection_of={BTC: (protection, False)}.__getitem__,
        liquidation_of={BTC: 12.5}.get,
    )
    position = service.get_view().positions[BTC]
    assert (position.protection, position.protected) == (protection, False)
    assert position.liquidation_price == 12.5


def test_what_others_hold_counts_in_exposure_and_in_nothing_else() -> None:
    quotes = {BTC: quote(BTC, 100.0), ETH: quote(ETH, 10.0)}
    held = {BTC: -0.5, ETH: 3.0}
    alone = InMemoryPortfolioService(bought(2, 100), quotes.get, VirtualClock(0)).get_view()
    view = InMemoryPortfolioService(
        bought(2, 100), quotes.get, VirtualClock(0), external=lambda: held
    ).get_view()
    assert (view.positions[BTC].quantity, view.positions[BTC].external) == (2.0, -0.5)
    assert list(view.positions) == [BTC]
    assert (view.gross_exposure, view.net_exposure) == (200 + 50 + 30, 200 - 50 + 30)
    assert (view.total_value, view.available_cash) == (alone.total_value, alone.available_cash)
    del quotes[ETH]
    service = InMemoryPortfolioService(
        bought(2, 100), quotes.get, VirtualClock(0), external=lambda: held
    )
    assert service.get_view().gross_exposure is None


def test_a_transfer_is_told_apart_from_profit() -> None:
    ledger = bought(2, 100)
    ledger.apply_transfer(50.0, 1)
    view = InMemoryPortfolioService(
        ledger, {BTC: quote(BTC, 110.0)}.get, VirtualClock(0)
    ).get_view()
    assert (view.transferred, view.cash, view.total_value) == (50.0, 1_050.0, 1_070.0)
    assert (view.total_unrealized_pnl, view.total_realized_pnl) == (20.0, 0.0)
