"""The questions that the console asks, each with the facts that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_trader.console import theme
from tui_trader.console.canvas import Row
from tui_trader.console.modals.confirmation import Question
from tui_trader.console.scene import Scene
from tui_trader.console.widgets.banner import STATES
from tui_trader.text import one_line
from tui_trader.view.format import money, percent, price, quantity, signed

if TYPE_CHECKING:
    from tui_trader.models import PositionSnapshot

_LISTED = 6


def kill() -> Question:
    """Halt now, perhaps close everything too."""
    return Question(
        title="KILL SWITCH",
        facts=lambda scene: [
            *_account(scene),
            (),
            *_positions(scene),
            (),
            _said("Trading halts at once and stays halted over a restart."),
            _said("Only a deliberate resume trades again."),
        ],
        yes="halt now",
        word="KILL",
        option="also close every position of the agent, at market",
        dangerous=True,
    )


def close(symbol: str) -> Question:
    """Close one position at market."""

    def facts(scene: Scene) -> Sequence[Row]:
        view = scene.view
        held = view.portfolio.positions.get(symbol) if view and view.portfolio else None
        if held is None:
            return [_said(f"{one_line(symbol, 24)}: no position is known now.")]
        return [
            _position(symbol, held),
            _fact("entry", price(held.avg_price)),
            _fact("mark", price(held.mark_price)),
            _fact("uPnL", f"{signed(held.unrealized_pnl)} ({percent(held.pnl_pct)})"),
            _said("Closed at market; the fill may differ from the mark."),
        ]

    return Question(title=f"Close {one_line(symbol, 24)}?", facts=facts, yes="close at market")


def close_all() -> Question:
    """Close every position at market."""
    return Question(
        title="Close every position?",
        facts=lambda scene: [
            *_positions(scene),
            (),
            _said("Each is closed at market. The agent may open new ones:"),
            _said("pause or kill to prevent that."),
        ],
        yes="close all at market",
        dangerous=True,
    )


def resume() -> Question:
    """Trade again after a kill."""

    def facts(scene: Scene) -> Sequence[Row]:
        reason = scene.view.state_reason if scene.view else ""
        return [
            *_account(scene),
            _fact("halted", one_line(reason, 80) or "–"),
            (),
            *_positions(scene),
            (),
            _said("The agent may open positions again at its next decision."),
        ]

    return Question(
        title="Resume after a kill?", facts=facts, yes="trade again", word="RESUME", dangerous=True
    )


def go_live() -> Question:
    """Trade real money."""

    def facts(scene: Scene) -> Sequence[Row]:
        session = scene.view.session if scene.view else None
        if session is None:
            return [_said("Account and limits are not known yet.")]
        cap = session.daily_loss_cap_pct
        return [
            *_account(scene),
            _fact("symbols", one_line(", ".join(session.symbols), 80)),
            _fact("position", f"at most {_share(session.max_equity_usage_pct)} of equity"),
            _fact("leverage", f"at most {money(session.max_leverage)}×"),
            _fact("day loss", f"at most {_share(cap)}" if cap else "NO LIMIT"),
            (),
            _said("From then on every order costs or earns real money."),
        ]

    return Question(
        title="GO LIVE WITH REAL MONEY",
        facts=facts,
        yes="go live",
        free_text="Type the name of the account",
        dangerous=True,
    )


def leave(*, hosted: bool) -> Question:
    """End the console."""

    def facts(scene: Scene) -> Sequence[Row]:
        fate = (
            ("The engine runs in this process:", "its cycle completes, then it ends.")
            if hosted
            else ("The engine runs on its own and goes on trading.",)
        )
        said = [_said(line) for line in (*fate, "Positions stay as they are.")]
        return [*said, (), *_positions(scene)]

    return Question(title="Quit the console?", facts=facts, yes="quit")


def _account(scene: Scene) -> list[Row]:
    view = scene.view
    if view is None or view.session is None:
        return [_fact("account", "–"), _fact("state", "unknown")]
    session, portfolio = view.session, view.portfolio
    state = STATES[view.state if scene.live else None][0]
    venue = f"{session.mode} · {one_line(session.venue, 20)} {session.market}"
    equity = portfolio.total_value if portfolio else None
    return [
        _fact("account", f"{one_line(session.name, 30)} · {venue}"),
        (*_fact("state", ""), state),
        _fact("equity", f"{money(equity)} {session.quote_ccy}"),
    ]


def _share(fraction: float) -> str:
    return percent(fraction, signed=False, decimals=1)


def _positions(scene: Scene) -> list[Row]:
    view = scene.view
    if view is None or view.portfolio is None:
        return [_fact("positions", "unknown")]
    held = {symbol: item for symbol, item in view.portfolio.positions.items() if item.quantity}
    if not held:
        return [_fact("positions", "none: the account is flat")]
    rows = [_position(symbol, item) for symbol, item in list(held.items())[:_LISTED]]
    if len(held) > _LISTED:
        rows.append(_said(f"and {len(held) - _LISTED} more"))
    return rows


def _position(symbol: str, held: PositionSnapshot) -> Row:
    side = ("▲ LONG ", theme.UP_STRONG) if held.quantity > 0 else ("▼ SHORT ", theme.DOWN_STRONG)
    pnl = (f"  {signed(held.unrealized_pnl)}", theme.trend(held.unrealized_pnl))
    text = f"{quantity(abs(held.quantity))} {one_line(symbol, 24)}"
    return (side, (text, theme.STRONG), pnl)


def _fact(name: str, value: str) -> Row:
    return ((f"{name:<10}", theme.MUTED), (value, theme.TEXT))


def _said(text: str) -> Row:
    return ((text, theme.TEXT),)
