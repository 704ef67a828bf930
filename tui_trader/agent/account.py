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
from tui_trader.messages import TradingState
from tui_trader.models import TxResult, TxStatus
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
        return Account(
            folder=folder,
            run=store.next_run(),
            store=store,
            calls=calls,
            log=log,
            ledger=ledger,
            risk_state=risk_state,
            state_reason=because,
            warnings=(
                *loaded.warnings,
                *_interrupted(store),
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
    return ledger


def _strangers(ledger: Ledger, market: Market) -> list[str]:
    """What is held but traded no more: the operator may want to close it."""
    strangers = sorted(set(ledger.positions) - set(market.symbols))
    return [f"held, but not among the symbols: {', '.join(strangers)}"] if strangers else []


def _interrupted(store: Store) -> list[str]:
    """Orders whose outcome a crash left unwritten. The paper venue ended with the engine, and the
    books come from the fills that were written: such an order counts as not filled."""
    interrupted = store.orders(unresolved=True)
    reason = "the engine ended before the outcome was written down: it counts as not filled"
    store.record_results(
        [
            TxResult(
                instruction_id=order.instruction.instruction_id,
                instrument=order.instruction.instrument,
                side=order.instruction.side,
                status=TxStatus.ERROR,
                requested_qty=order.instruction.quantity,
                filled_qty=0.0,
                order_id=order.client_order_id,
                reason=reason,
            )
            for order in interrupted
        ]
    )
    return [
        f"order {order.client_order_id} ({order.instruction.side} {order.instruction.quantity:g} "
        f"{order.instruction.instrument.symbol}): {reason}"
        for order in interrupted
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
