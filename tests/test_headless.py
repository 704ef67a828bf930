from tui_trader.headless import performance_lines
from tui_trader.models import Performance


def test_figures_are_told_in_plain_lines() -> None:
    figures = Performance(
        start_ts=0,
        end_ts=1,
        total_return=0.1,
        buy_and_hold=0.05,
        sharpe=1.5,
        periods_a_year=365,
        max_drawdown=0.02,
        max_drawdown_quote=200.0,
        max_drawdown_from_ts=1_767_225_600_000,
        max_drawdown_ts=1_767_229_200_000,
        drawdown=0.01,
        exposure=0.5,
        turnover=1_000.0,
        trades=1,
        win_rate=1.0,
        expectancy=3.0,
        avg_holding_ms=90_000,
        funding=-0.5,
    )
    assert performance_lines(figures, "USDT") == [
        "return +10.00%, buy and hold +5.00%, a year –, Sharpe 1.50, Sortino – "
        "(daily returns x √365)",
        "deepest drawdown 2.00%, 200.00 USDT, from 2026-01-01 00:00Z to 2026-01-01 01:00Z; "
        "now 1.00%",
        "1 trade closed: won 100.00%, profit factor –, expectancy +3.00, held 1m on average",
        "in the market 50.00% of the time, turnover 1,000.00, funding -0.50",
    ]
