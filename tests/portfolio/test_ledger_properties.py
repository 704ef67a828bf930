"""What holds for any fills: the books close to the last digit."""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.portfolio.books import fill
from tui_trader.models import Fill, TradeSide
from tui_trader.models.money import exact
from tui_trader.portfolio.ledger import Ledger

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MARKS = {"BTC/USDT": 101.37, "ETH/USDT": 0.0123}


@dataclass(frozen=True)
class Lot:
    """A fill in units of the smallest steps, so that it can be cut into pieces."""

    symbol: str
    side: TradeSide
    units: int
    price: float
    fee_per_unit: int

    def fills(self, name: str, pieces: list[int]) -> list[Fill]:
        return [
            fill(
                self.side,
                float(Decimal(units).scaleb(-6)),
                self.price,
                float(Decimal(units * self.fee_per_unit).scaleb(-9)),
                f"{name}.{number}",
                symbol=self.symbol,
            )
            for number, units in enumerate(pieces)
        ]


lots = st.lists(
    st.builds(
        Lot,
        st.sampled_from(SYMBOLS),
        st.sampled_from(TradeSide),
        st.integers(min_value=3, max_value=10**9),
        st.floats(min_value=1e-6, max_value=1e6),
        st.integers(min_value=-100, max_value=1_000),
    ),
    max_size=12,
)


many = settings(max_examples=700)


def booked(fills: list[Fill]) -> Ledger:
    ledger = Ledger(10_000.0)
    for item in fills:
        ledger.apply(item)
    return ledger


def whole(traded: list[Lot]) -> list[Fill]:
    return [
        item for number, lot in enumerate(traded) for item in lot.fills(str(number), [lot.units])
    ]


@many
@given(lots)
def test_the_ledger_is_the_sum_of_its_fills(traded: list[Lot]) -> None:
    fills = whole(traded)
    ledger = booked(fills)
    with localcontext(Context(prec=200)):
        for symbol in SYMBOLS:
            bought = sum(
                exact(item.quantity) * item.side.sign for item in fills if item.symbol == symbol
            )
            assert ledger.quantity_of(symbol) == bought
        assert ledger.fees == sum(exact(item.fee) for item in fills)
        spent = sum(exact(item.quantity) * exact(item.price) * item.side.sign for item in fills)
        cost = sum((position.cost for position in ledger.positions.values()), Decimal(0))
        assert ledger.realized == cost - spent


@many
@given(lots)
def test_equity_is_cash_flow_plus_what_is_held_at_the_mark(traded: list[Lot]) -> None:
    fills = whole(traded)
    with localcontext(Context(prec=200)):
        flow = sum(
            -exact(item.quantity) * exact(item.price) * item.side.sign - exact(item.fee)
            for item in fills
        )
        ledger = booked(fills)
        value = sum(ledger.quantity_of(symbol) * exact(MARKS[symbol]) for symbol in SYMBOLS)
        assert ledger.equity(MARKS) == 10_000 + flow + value
        unrealized = sum(
            position.unrealized(exact(MARKS[symbol]))
            for symbol, position in ledger.positions.items()
        )
        assert ledger.realized - ledger.fees + unrealized == value + flow


@many
@given(lots)
def test_equity_is_the_same_in_one_piece_or_in_many(traded: list[Lot]) -> None:
    pieces = []
    for number, lot in enumerate(traded):
        third = lot.units // 3
        pieces += lot.fills(str(number), [third, third, lot.units - 2 * third])
    assert booked(pieces).equity(MARKS) == booked(whole(traded)).equity(MARKS)


@many
@given(lots, st.randoms(use_true_random=False))
def test_the_same_fills_again_at_any_time_change_nothing(traded: list[Lot], chance: Random) -> None:
    fills = whole(traded)
    repeated = list(fills)
    for item in chance.sample(fills, len(fills)):
        after = repeated.index(item) + 1
        repeated.insert(chance.randint(after, len(repeated)), item)
    once, twice = booked(fills), booked(repeated)
    assert once.positions == twice.positions
    assert (once.realized, once.fees) == (twice.realized, twice.fees)
    assert once.tally.__dict__ == twice.tally.__dict__


@many
@given(lots, st.randoms(use_true_random=False))
def test_equity_does_not_depend_on_the_order_in_which_fills_are_told(
    traded: list[Lot], chance: Random
) -> None:
    fills = whole(traded)
    told = chance.sample(fills, len(fills))
    assert booked(told).equity(MARKS) == booked(fills).equity(MARKS)


@many
@given(lots, st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 5)), max_size=6))
def test_transfers_are_balance_and_no_profit(
    traded: list[Lot], moved: list[tuple[int, int]]
) -> None:
    fills = whole(traded)
    plain, ledger = booked(fills), Ledger(10_000.0)
    for cents, ts in moved:
        ledger.apply_transfer(cents / 100, ts)
    for item in fills:
        ledger.apply(item)
    for cents, ts in moved:
        ledger.apply_transfer(cents / 100, ts)
    total = sum((Decimal(cents) for cents, _ in set(moved)), Decimal(0)) / 100
    equity, before = ledger.equity(MARKS), plain.equity(MARKS)
    assert equity is not None
    assert before is not None
    with localcontext(Context(prec=200)):
        assert ledger.transferred == total
        assert equity == before + total
        assert ledger.balance == plain.balance + total
    assert ledger.net_realized == plain.net_realized
    assert ledger.positions == plain.positions


@many
@given(lots, st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 9)), max_size=6))
def test_equity_is_capital_transfers_and_profits(
    traded: list[Lot], funded: list[tuple[int, int]]
) -> None:
    ledger = Ledger(10_000.0)
    ledger.apply_transfer(500.0, 1)
    first: dict[int, int] = {}
    for item in whole(traded):
        ledger.apply(item)
    for cents, ts in funded:
        ledger.apply_funding(SYMBOLS[0], cents / 100, ts)
        first.setdefault(ts, cents)
    assert ledger.funding == Decimal(sum(first.values())) / 100
    with localcontext(Context(prec=200)):
        unrealized = sum(
            (item.unrealized(exact(MARKS[symbol])) for symbol, item in ledger.positions.items()),
            Decimal(0),
        )
        whole_of_it = 10_500 + ledger.realized + ledger.funding - ledger.fees + unrealized
        assert ledger.equity(MARKS) == whole_of_it


@many
@given(lots)
def test_closed_trades_and_open_positions_share_all_the_money(traded: list[Lot]) -> None:
    ledger = Ledger(10_000.0)
    entries = [entry for item in whole(traded) for entry in ledger.apply(item)]
    profit = sum(entry.realized_pnl or 0.0 for entry in entries)
    carried = sum((position.fees for position in ledger.positions.values()), Decimal(0))
    expected = float(ledger.net_realized + carried)
    scale = sum(abs(entry.realized_pnl or 0.0) for entry in entries) + 1
    assert abs(profit - expected) <= 1e-9 * scale


@many
@given(lots)
def test_no_position_is_ever_flat_or_without_a_price(traded: list[Lot]) -> None:
    for position in booked(whole(traded)).positions.values():
        assert position.quantity != 0
        assert position.avg_price > 0
