"""The account of a run: the folder that belongs to it, and what is kept there."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tui_trader import paths
from tui_trader.agent import kill_file
from tui_trader.agent.market import Market
from tui_trader.clock import Clock
from tui_trader.config.errors import ConfigError
from tui_trader.config.loader import LoadedConfig
from tui_trader.execution.gateway import Past
from tui_trader.messages import TradingState
from tui_trader.models import OrderRole, OrderStatus
from tui_trader.ops.lock import FolderBusyError, FolderLock
from tui_trader.ops.logs import setup_logging
from tui_trader.ops.redaction import Redactor
from tui_trader.portfolio.ledger import Ledger
from tui_trader.risk.state import DAY_MS, RiskState
from tui_trader.trading_history.cycle_log import CycleLogWriter
from tui_trader.trading_history.store import Store


@dataclass(frozen=True, slots=True)
class Account:
    """One account, opened: nobody else works on it until `opened` is closed.

    `run` numbers the runs on this account; `warnings` are to be shown; `state_reason` says why the
    trading state is not ACTIVE, empty where it is. `calls` keeps the calls to models: also those of
    the other runs where each begins new books, so that a day's cap holds for all of them.
    """

    folder: Path
    run: int
    store: Store
    calls: Store
    log: CycleLogWriter
    ledger: Ledger
    past: Past
    risk_state: RiskState
    state_reason: str
    warnings: tuple[str, ...]
    opened: ExitStack

    @property
    def kill_path(self) -> Path:
        """Where the kill file would be."""
        return self.folder / kill_file.NAME


def open_account(
    loaded: LoadedConfig, market: Market, data_dir: Path | None, wall: Clock
) -> Account:
    """Open the account that belongs to `market`, or the one in `data_dir`.

    Raises ConfigError when another engine works on it; StoreError or OSError from the disk.
    """
    config = loaded.config
    folder = _folder(market, data_dir, wall)
    with ExitStack() as opening:
        try:
            opening.enter_context(FolderLock(folder))
        except FolderBusyError as error:
            raise ConfigError(str(error)) from None
        redact = Redactor(loaded.secrets.plain())
        opening.callback(setup_logging(folder, config.logging.level, redact).close)
        days = config.logging.retention_days
        store = Store(folder / "state.db", redact=redact)
        opening.callback(store.close)
        calls = _calls(store, market, data_dir, folder)
        opening.callback(calls.close)
        log = CycleLogWriter(folder / "agent_log.jsonl", redact=redact, retention_days=days)
        opening.callback(log.close)
        ledger = _books(store, loaded, market)
        store.prune_history(market.clock.now_ms() - days * DAY_MS)
        risk_state, because = _risk_state(store, folder)
        past = _past(store, ledger)
        return Account(
            folder=folder,
            run=store.next_run(),
            store=store,
            calls=calls,
            log=log,
            ledger=ledger,
            past=past,
            risk_state=risk_state,
            state_reason=because,
            warnings=(
                *loaded.warnings,
                *_interrupted(past),
                *_strangers(ledger, market),
                *filter(None, [log.warning]),
            ),
            opened=opening.pop_all(),
        )


def _folder(market: Market, data_dir: Path | None, wall: Clock) -> Path:
    if data_dir is not None:
        return paths.private_folder(data_dir.absolute())
    folder = paths.profile_folder(paths.data_folder(), "paper", market.account)
    if not market.afresh:
        return folder
    stamp = datetime.fromtimestamp(wall.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return paths.private_folder(folder / stamp)


def _calls(store: Store, market: Market, data_dir: Path | None, folder: Path) -> Store:
    """Where the calls to models are kept."""
    if market.afresh and data_dir is None:
        return Store(folder.parent / "calls.db")
    return store


def _books(store: Store, loaded: LoadedConfig, market: Market) -> Ledger:
    """The books as all fills so far make them. Raises StoreError for another account's state."""
    config = loaded.config
    quote_ccy = market.symbols[0].partition(":")[0].partition("/")[2]
    store.claim(
        {
            "account": market.account,
            "mode": config.agent.mode,
            "market": config.exchange.market,
            "quote currency": quote_ccy,
            "initial capital": repr(config.paper.initial_capital),
        }
    )
    ledger = Ledger(
        config.paper.initial_capital, strategy_id=config.agent.name, quote_ccy=quote_ccy
    )
    for fill in store.fills():
        ledger.apply(fill)
    for payment in store.funding():
        ledger.apply_funding(payment.symbol, payment.amount, payment.ts)
    return ledger


def _strangers(ledger: Ledger, market: Market) -> list[str]:
    """What is held but traded no more: the operator may want to close it."""
    strangers = sorted(set(ledger.positions) - set(market.symbols))
    return [f"held, but not among the symbols: {', '.join(strangers)}"] if strangers else []


def _past(store: Store, ledger: Ledger) -> Past:
    """What earlier runs have left of orders."""
    openers = [
        kept
        for symbol, position in ledger.positions.items()
        if position.opened_by
        for kept in store.orders_since(position.opened_by, symbol)
        if kept.record.role is OrderRole.ENTRY and kept.record.filled_qty
    ]
    fills = [(fill.symbol, fill.trade_id, fill.ts) for fill in store.fills()]
    return Past(
        live=store.orders(live=True),
        openers=openers,
        booked=[(symbol, trade_id) for symbol, trade_id, _ in fills],
        until_ms=max((ts for _, _, ts in fills), default=0),
    )


def _interrupted(past: Past) -> list[str]:
    """Orders that may have been sent before a crash: the venue is asked what became of them."""
    doubtful = (OrderStatus.INTENDED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
    return [
        f"order {order.client_order_id} ({order.request.side} {order.request.quantity:g} "
        f"{order.symbol}): the engine ended before an answer came; the venue is asked"
        for order, _, _ in past.live
        if order.status in doubtful
    ]


def _risk_state(store: Store, folder: Path) -> tuple[RiskState, str]:
    """What the risk layer remembered; halted where the database or the kill file says so."""
    saved = store.risk_state()
    state = RiskState() if saved is None else RiskState.model_validate(saved)
    path = folder / kill_file.NAME
    if kill_file.exists(path):
        because = f"the kill file is there: {path.name}"
        return state.model_copy(update={"trading_state": TradingState.HALTED}), because
    return state, _FROM_BEFORE[state.trading_state]


_FROM_BEFORE = {
    TradingState.ACTIVE: "",
    TradingState.REDUCING: "paused in an earlier run",
    TradingState.HALTED: "halted in an earlier run",
}
