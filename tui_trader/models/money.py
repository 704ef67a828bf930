"""Exact numbers where floats must not be summed: quantities and money."""

from decimal import Context, Decimal

# Holds the quotient of any two finite floats, so that no rounding here can fail or be inexact.
EXACT = Context(prec=700)


def exact(value: float) -> Decimal:
    """The decimal that a float's shortest text names, so that 0.1 + 0.2 is 0.3."""
    return Decimal(float.__repr__(float(value)))


def difference(left: float, right: float) -> float:
    """`left - right` without the noise of float subtraction."""
    return float(EXACT.subtract(exact(left), exact(right)))
