"""The venue that a run trades at, and the gateway to it."""

from collections.abc import Callable
from decimal import Decimal

from tui_trader.agent.account import Account
from tui_trader.agent.market import Market
from tui_trader.config.schema import Config
from tui_trader.execution.gateway import Ties, VenueGateway
from tui_trader.execution.interfaces import BaseVenue
from tui_trader.execution.paper import (
    Held,
    OrderFilter,
    PaperKeeping,
    PaperRules,
    PaperVenue,
    Wallet,
)
from tui_trader.execution.pursuit import Patience
from tui_trader.models import FundingPayment
from tui_trader.portfolio.ledger import Ledger
from tui_trader.trading_history.database import StoreError


def open_gateway(
    config: Config,
    market: Market,
    account: Account,
    venue: BaseVenue | None,
    run_id: str,
    ties: Ties,
) -> VenueGateway:
    """The gateway to the configured venue, or to `venue`, where earlier runs have left it."""
    return VenueGateway(
        venue or _paper_venue(config, market, account),
        account.store,
        market.clock,
        ties,
        account=market.account,
        run_id=run_id,
        past=account.past,
        patience=_patience(config, market),
        protect_deadline_ms=round(config.execution.protect_deadline_seconds * 1000),
    )


def _paper_venue(config: Config, market: Market, account: Account) -> PaperVenue:
    paper, symbols = config.paper, market.prices
    rules = PaperRules(
        market=config.exchange.market,
        taker_bps=paper.fee_bps,
        maker_bps=paper.fee_bps if paper.maker_fee_bps is None else paper.maker_fee_bps,
        slippage_bps=paper.slippage_bps,
        latency_ms=paper.latency_ms,
        volume_share=paper.volume_share,
        max_leverage=config.risk.max_leverage,
        maintenance_margin=paper.maintenance_margin_pct,
        funding_rate=lambda symbol: paper.funding_rate_pct,
        filters=dict.fromkeys(symbols, OrderFilter(min_notional=paper.min_notional)),
    )
    wallet = Wallet(account.ledger.balance)  # of an account that has known no venue so far
    for symbol, position in account.ledger.positions.items():
        wallet.positions[symbol] = Held(position.quantity, position.cost, position.entry_ts)
    return PaperVenue(
        wallet,
        market.source.ticker,
        market.clock,
        rules,
        PaperKeeping(account.folder / "paper.db"),
    )


def _patience(config: Config, market: Market) -> Patience:
    """A market that waits for us brings nothing while we wait for it."""
    execution = config.execution
    return Patience(
        answer=execution.answer_seconds,
        settle=0.0 if market.source.lockstep else Patience().settle,
        resting_entry=execution.resting_entry_seconds,
    )


def quantities(ledger: Ledger) -> dict[str, Decimal]:
    """What is held, signed base currency by symbol."""
    return {symbol: position.quantity for symbol, position in ledger.positions.items()}


def book_funding(account: Account, payment: FundingPayment, trouble: Callable[[str], None]) -> None:
    """Book a funding payment, once."""
    account.ledger.apply_funding(payment.symbol, payment.amount, payment.ts)
    try:
        account.store.record_funding(payment)
    except (OSError, StoreError) as error:
        trouble(f"the disk refused: {error}")
