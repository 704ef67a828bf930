"""The figures of a run follow its cycles, and go on where the last run ended."""

from pathlib import Path

import pytest

from tests.agent.harness import start, wish
from tui_trader.messages import CycleCompleted


async def test_the_summary_tells_how_the_account_does_over_a_restart(tmp_path: Path) -> None:
    first = await (await start(tmp_path, wish(0.02), wish(0.0))).done()
    figures = first.runtime.summary.performance
    assert figures is not None
    assert (figures.trades, figures.exposure) == (1, 1.0)
    assert figures.buy_and_hold is not None
    equity = first.facts(CycleCompleted)[-1].portfolio.total_value
    assert equity is not None
    assert figures.total_return == pytest.approx(equity / first.runtime.session.initial_capital - 1)
    assert figures.max_drawdown_quote == pytest.approx(10_000 - equity)

    again = await start(tmp_path, wish(0.0))
    resumed = again.runtime.summary.performance
    assert resumed is not None
    assert (resumed.end_ts, resumed.total_return) == (figures.end_ts, figures.total_return)
    assert (resumed.trades, resumed.turnover, resumed.fees) == (1, figures.turnover, figures.fees)
    assert resumed.max_drawdown == figures.max_drawdown
    assert resumed.buy_and_hold is None
    await again.done()
