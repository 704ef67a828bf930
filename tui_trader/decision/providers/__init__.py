"""Language models: who serves them, how one is asked, what it costs, and what if it fails."""

from tui_trader.decision.providers.catalogue import (
    PROVIDERS,
    Endpoint,
    Prices,
    endpoint,
    provider_spec,
)

__all__ = ["PROVIDERS", "Endpoint", "Prices", "endpoint", "provider_spec"]
