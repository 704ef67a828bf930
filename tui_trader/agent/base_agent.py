"""The public API for agents of one's own: override what you need, keep the rest."""

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tui_trader.decision.interfaces import BaseComposer
from tui_trader.features.interfaces import BaseFeaturesPipeline
from tui_trader.models import UserRequest

if TYPE_CHECKING:
    from tui_trader.agent.coordinator import CycleResult
    from tui_trader.agent.runtime import AgentRuntime

logger = logging.getLogger(__name__)


class BaseStrategyAgent:
    """An agent with the default of everything. Hooks may fail: the loop goes on without them."""

    async def _build_features_pipeline(self, request: UserRequest) -> BaseFeaturesPipeline | None:
        """A features pipeline of your own, or None for the default."""
        return None

    async def _create_decision_composer(self, request: UserRequest) -> BaseComposer | None:
        """A composer of your own, or None for the one that the configuration names."""
        return None

    async def _on_start(self, runtime: "AgentRuntime", request: UserRequest) -> None:
        """Called once, before the first cycle."""

    async def _on_cycle_result(
        self, result: "CycleResult", runtime: "AgentRuntime", request: UserRequest
    ) -> None:
        """Called after every cycle."""

    async def _on_stop(self, runtime: "AgentRuntime", request: UserRequest, reason: str) -> None:
        """Called once, after the last cycle."""


async def shielded(hook: Awaitable[None], name: str) -> None:
    """Await a hook of the user's; what it raises is logged and goes no further."""
    try:
        await hook
    except Exception:
        logger.exception("hook %s failed", name)
