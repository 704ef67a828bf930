"""Exact numbers where floats must not be summed: quantities and money."""

from decimal import Decimal


def exact(value: float) -> Decimal:
    """The decimal that a float's shortest text names, so that 0.1 + 0.2 is 0.3."""
    return Decimal(float.__repr__(float(value)))
