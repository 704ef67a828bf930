"""Any indicator of pandas-ta by its name. Importing this module imports pandas (60 MiB, 0.3 s)."""

import inspect
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as library

from tui_trader.features.indicators import Indicator, require_known
from tui_trader.market_data.series import CandleSeries, FloatArray

_log = logging.getLogger(__name__)
_PROBE_LENGTH = 1_000
_INPUTS = {"open_", "open", "high", "low", "close", "volume", "kwargs"}


def kinds() -> list[str]:
    """The names that pandas-ta knows."""
    return [name for names in library.Category.values() for name in names]


def indicator(kind: str, parameters: Mapping[str, Any]) -> Indicator:
    """The pandas-ta indicator `kind`; its outputs are pandas-ta's columns in lower case.

    Which outputs there are, and when they have warmed up, is found by computing it once on a
    made-up market. Raises ValueError when that fails. Later failures are logged, and leave the
    outputs absent.
    """
    # pandas-ta takes any keyword and ignores those it does not know.
    known = inspect.signature(getattr(library, kind)).parameters.keys() - _INPUTS
    for name in parameters:
        require_known(f"parameter of {kind}", name, known)
    try:
        probe = _table(kind, parameters, _probe())
    except Exception as error:
        raise ValueError(f"can't compute {kind} with {dict(parameters)}: {error}") from error
    if probe is None:
        raise ValueError(f"{kind} with {dict(parameters)} gives nothing in {_PROBE_LENGTH} candles")
    # Some outputs take turns (the sides of a trailing stop): warm is when as many as ever stand.
    present = np.isfinite(probe.to_numpy()).sum(axis=1)
    names = [str(column).lower() for column in probe.columns]

    def compute(series: CandleSeries) -> tuple[FloatArray, ...]:
        try:
            table = _table(kind, parameters, series)
        except Exception:
            _log.exception("pandas-ta failed on %s of %s", kind, series.symbol)
            table = None
        if table is None:
            return tuple(np.full(len(series), np.nan) for _ in names)
        return tuple(table.to_numpy().T)

    return Indicator(dict.fromkeys(names, int(present.argmax()) + 1), compute)


def _table(kind: str, parameters: Mapping[str, Any], series: CandleSeries) -> pd.DataFrame | None:
    frame = pd.DataFrame(
        {
            "open": series.open,
            "high": series.high,
            "low": series.low,
            "close": series.close,
            "volume": series.volume,
        },
        index=pd.DatetimeIndex(series.ts.astype("datetime64[ms]")),
    )
    with np.errstate(all="ignore"):
        result = getattr(frame.ta, kind)(**parameters)
    if isinstance(result, tuple):  # ichimoku: the second frame lies in the future
        result = result[0]
    if result is None or result is frame:  # pandas-ta's ways of saying that candles are too few
        return None
    table = result.to_frame() if isinstance(result, pd.Series) else result
    if len(table) != len(series):
        raise ValueError("it does not give one value a candle")
    return table.astype(np.float64)


def _probe() -> CandleSeries:
    step = np.arange(_PROBE_LENGTH)
    close = 100 + 10 * np.sin(step / 29) + 3 * np.sin(step / 5) + np.sin(step * 1.7)
    opened = np.concatenate((close[:1], close[:-1]))
    return CandleSeries(
        symbol="probe",
        interval="1h",
        ts=step.astype(np.int64) * 3_600_000,
        open=opened,
        high=np.maximum(opened, close) + 0.5,
        low=np.minimum(opened, close) - 0.5,
        close=close,
        volume=1_000 + 500 * np.sin(step / 3),
    )
