"""The account at the paper venue: what is held, what it has cost, what is free. Exact decimals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext

_ZERO = Decimal(0)
_EXACT = Context(prec=60)
_SHARE = Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class Held:
    """A position: signed base `quantity`, `cost` = quantity times average price (quote currency),
    and when it was opened."""

    quantity: Decimal
    cost: Decimal
    opened_ms: int

    @property
    def avg_price(self) -> Decimal:
        """Average entry price, quote currency."""
        with localcontext(_EXACT):
            return self.cost / self.quantity


class Wallet:
    """Capital plus realised profit and funding less fees (`balance`), and the positions."""

    def __init__(self, capital: Decimal) -> None:
        self.balance = capital
        self.positions: dict[str, Held] = {}

    def quantity(self, symbol: str) -> Decimal:
        """Signed quantity held, base currency."""
        held = self.positions.get(symbol)
        return held.quantity if held else _ZERO

    def trade(self, symbol: str, change: Decimal, price: Decimal, fee: Decimal, ts: int) -> None:
        """Change the position by the signed `change` at `price`; beyond flat it opens anew."""
        self.balance -= fee
        held = self.positions.get(symbol) or Held(_ZERO, _ZERO, ts)
        with localcontext(_EXACT):
            if held.quantity * change >= 0:
                after = replace(
                    held, quantity=held.quantity + change, cost=held.cost + change * price
                )
            else:
                closed = min(abs(change), abs(held.quantity)) * (1 if held.quantity > 0 else -1)
                cost = held.cost
                if closed != held.quantity:
                    cost = (held.cost * closed / held.quantity).quantize(_SHARE)
                self.balance += closed * price - cost
                after = replace(held, quantity=held.quantity - closed, cost=held.cost - cost)
                if rest := change + closed:
                    after = Held(rest, rest * price, ts)
        if after.quantity:
            self.positions[symbol] = after
        else:
            self.positions.pop(symbol, None)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal | None:
        """Balance plus unrealised profit, None when a held symbol has no mark."""
        if not self.positions.keys() <= marks.keys():
            return None
        return self.balance + sum(
            (held.quantity * marks[symbol] - held.cost for symbol, held in self.positions.items()),
            _ZERO,
        )

    def free(
        self, marks: Mapping[str, Decimal], leverage: Decimal, *, spot: bool
    ) -> Decimal | None:
        """What no position binds (quote currency): on spot what is not spent, else equity less
        margin; None when that is unknown."""
        if spot:
            return self.balance - sum((held.cost for held in self.positions.values()), _ZERO)
        equity = self.equity(marks)
        return None if equity is None else equity - self.gross(marks) / leverage

    def gross(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Notional of all positions at `marks`, quote currency."""
        return sum(
            (abs(held.quantity) * marks[symbol] for symbol, held in self.positions.items()), _ZERO
        )

    def liquidation_price(
        self, symbol: str, marks: Mapping[str, Decimal], maintenance: Decimal
    ) -> Decimal | None:
        """Where the mark of `symbol` has to go for the account's equity to fall to its maintenance
        margin, the other marks standing still; None where no price does that."""
        held, equity = self.positions.get(symbol), self.equity(marks)
        if held is None or equity is None:
            return None
        quantity, mark = held.quantity, marks[symbol]
        others = self.gross(marks) - abs(quantity) * mark
        # equity + quantity (p - mark) = maintenance (others + |quantity| p)
        slope = quantity - maintenance * abs(quantity)
        price = (maintenance * others - equity + quantity * mark) / slope if slope else _ZERO
        return price if price > 0 else None
