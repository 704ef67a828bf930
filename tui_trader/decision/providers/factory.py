"""From the configuration of models to the gateway that asks them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from tui_trader.clock import Clock
from tui_trader.decision.providers.book import CallBook
from tui_trader.decision.providers.breaker import Breaker
from tui_trader.decision.providers.catalogue import Endpoint, Prices, endpoint
from tui_trader.decision.providers.gateway import ModelGateway, Probe
from tui_trader.decision.providers.interfaces import BaseModelGateway
from tui_trader.decision.providers.recorded import PROVIDER as RECORDED
from tui_trader.decision.providers.recorded import RecordedGateway
from tui_trader.decision.providers.route import Connection, Credentials, Route, Standing
from tui_trader.messages import Message
from tui_trader.models import LlmModelConfig, ModelChoice


def endpoint_of(choice: ModelChoice) -> Endpoint:
    """Where and as whom a model is asked. Raises ValueError naming the setting that is missing."""
    return endpoint(
        choice.provider,
        model=choice.model_id,
        base_url=choice.base_url,
        api_key=choice.api_key.get_secret_value() if choice.api_key else None,
    )


def make_gateway(
    config: LlmModelConfig,
    *,
    clock: Clock,
    wall: Clock,
    publish: Callable[[Message], None],
    book: CallBook,
    standings: dict[Endpoint, Standing],
    rng: Random,
    connect: Callable[[Endpoint], Connection],
    probe: Probe | None = None,
) -> BaseModelGateway:
    """The gateway to the models of `config`, or to what was recorded of one.

    `book` is the account's, whose daily cap holds for all its gateways, and `standings` are those
    of the models that any of them asks. Raises ValueError naming the setting where something is
    missing.
    """
    if config.provider == RECORDED:
        if config.recorded is None:
            raise ValueError(
                "llm.recorded is missing: name the state.db that provider 'recorded' answers from"
            )
        return RecordedGateway(Path(config.recorded), clock=clock, publish=publish)

    def route(choice: ModelChoice) -> Route:
        found = endpoint_of(choice)
        connection = connect(found)
        if choice.prices_usd is not None:
            connection = replace(connection, prices=Prices(*choice.prices_usd))
        breaker = Breaker(clock, failures=config.breaker_failures, seconds=config.breaker_seconds)
        same_key = (each.credentials for at, each in standings.items() if at.same_key_as(found))
        credentials = next(same_key, None) or Credentials()
        standing = standings.setdefault(found, Standing(breaker, credentials))
        return Route(found.provider, found.model, connection, standing)

    routes = [route(config)]
    try:
        routes += [route(choice) for choice in config.fallbacks]
    except ValueError as error:
        raise ValueError(f"llm.fallback_models: {error}") from None
    return ModelGateway(
        routes,
        book,
        clock=clock,
        wall=wall,
        publish=publish,
        rng=rng,
        deadline_seconds=config.deadline_seconds,
        max_attempts=config.max_attempts,
        probe=probe,
    )
