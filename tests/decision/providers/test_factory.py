"""From the configuration to a gateway: every setting arrives, and what is missing is named."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from tests.decision.providers.chain import (
    BAD_KEY,
    BUSY,
    NOON,
    OK,
    PRICES,
    PROMPT,
    ManualClock,
    ScriptedClient,
)
from tests.decision.providers.test_recorded import ANSWER, audit, question, write
from tui_trader.decision.providers.book import CallBook
from tui_trader.decision.providers.catalogue import Endpoint
from tui_trader.decision.providers.completion import Completion
from tui_trader.decision.providers.factory import make_gateway
from tui_trader.decision.providers.house import ModelHouse
from tui_trader.decision.providers.interfaces import BaseModelGateway, Question
from tui_trader.decision.providers.route import Connection, Standing
from tui_trader.decision.providers.spending import Spending
from tui_trader.messages import ModelState
from tui_trader.models import LlmModelConfig, ModelCall, ModelChoice


class _Scripted(ScriptedClient):
    """Does what is scripted for all clients of a test when it is asked."""

    def __init__(self, making: "Making") -> None:
        super().__init__(making.clock, making.script)
        self._making = making

    async def complete(self, *args: Any, **limits: Any) -> Completion:
        self.script = list(self._making.script)
        return await super().complete(*args, **limits)


class Making:
    """Makes gateways to scripted clients, and remembers where these were to connect to."""

    def __init__(self, cap: float | None = None, connection: dict[str, Any] | None = None) -> None:
        self.clock = ManualClock()
        self.script = [OK]
        self.endpoints: list[Endpoint] = []
        self.kept: list[ModelCall] = []
        spending = Spending(self.clock, daily_cap_usd=cap)
        self.book = CallBook(spending, self.clock, self.kept.append)
        self.standings: dict[Endpoint, Standing] = {}
        self._connection = {"prices": PRICES} if connection is None else connection

    def connect(self, endpoint: Endpoint) -> Connection:
        self.endpoints.append(endpoint)
        return Connection(_Scripted(self), **self._connection)

    def make(self, config: LlmModelConfig) -> BaseModelGateway:
        return make_gateway(
            config,
            clock=self.clock,
            wall=self.clock,
            publish=lambda _message: None,
            book=self.book,
            standings=self.standings,
            rng=Random(1),
            connect=self.connect,
        )


DEEPSEEK = LlmModelConfig(provider="deepseek", api_key=SecretStr("sk-1"))
LOCAL = ModelChoice(provider="local", model_id="m", base_url="http://127.0.0.1:1/v1")


async def test_the_model_is_asked_and_its_call_is_kept() -> None:
    making = Making()
    gateway = making.make(DEEPSEEK)
    reply = await gateway.ask(Question("c1", PROMPT, {}), lambda _reasoning, _answer: None)
    assert (reply.outcome, reply.provider) == ("ok", "deepseek")
    [endpoint] = making.endpoints
    assert (endpoint.base_url, endpoint.api_key) == ("https://api.deepseek.com", "sk-1")
    assert [call.outcome for call in making.kept] == ["unfinished", "ok"]
    assert making.kept[0].asked_at == NOON


async def test_configured_prices_win_over_known_ones() -> None:
    making = Making()
    gateway = making.make(DEEPSEEK.model_copy(update={"prices_usd": (1_000.0, 0.0, 0.0)}))
    await gateway.ask(Question("c1", PROMPT, {}), lambda _reasoning, _answer: None)
    assert making.kept[-1].cost_usd == 1.0


def test_the_fallbacks_follow_the_model_in_their_order() -> None:
    making = Making()
    making.make(DEEPSEEK.model_copy(update={"fallbacks": (LOCAL, LOCAL)}))
    assert [endpoint.provider for endpoint in making.endpoints] == ["deepseek", "local", "local"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (LlmModelConfig(provider="deepseek"), "^DEEPSEEK_API_KEY is missing"),
        (LlmModelConfig(provider="recorded"), "^llm.recorded is missing"),
        (
            DEEPSEEK.model_copy(update={"fallbacks": (ModelChoice(provider="openai"),)}),
            "^llm.fallback_models: llm.model is missing",
        ),
    ],
)
def test_what_is_missing_is_named(config: LlmModelConfig, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Making().make(config)


def test_a_cap_needs_a_price_of_every_model_unless_the_provider_reports_the_cost() -> None:
    with pytest.raises(ValueError, match=r"deepseek:deepseek-flash.*llm.price_output_usd"):
        Making(1.0, {"prices": None}).make(DEEPSEEK)
    Making(1.0, {"prices": None, "reports_cost": True}).make(DEEPSEEK)
    priced = DEEPSEEK.model_copy(update={"prices_usd": (0.0, 0.0, 0.0)})
    Making(1.0, {"prices": None}).make(priced)


def test_a_fallback_without_a_price_is_named_and_the_remedy_is_one_that_helps() -> None:
    priced = DEEPSEEK.model_copy(update={"prices_usd": (0.0, 0.0, 0.0), "fallbacks": (LOCAL,)})
    with pytest.raises(ValueError, match=r"local:m costs.*llm\.fallback_models") as refused:
        Making(1.0, {"prices": None}).make(priced)
    assert "set llm.price_input_usd" not in str(refused.value)


async def test_a_key_that_was_refused_is_used_for_no_other_model_until_the_operator_acts() -> None:
    other = ModelChoice(provider="deepseek", model_id="other", api_key=SecretStr("sk-1"))
    making = Making()
    making.script = [BAD_KEY]
    gateway = making.make(DEEPSEEK.model_copy(update={"fallbacks": (other, LOCAL)}))
    await gateway.ask(question(), lambda *_: None)
    await gateway.ask(question(2), lambda *_: None)
    ended = [call.provider for call in making.kept if call.outcome != "unfinished"]
    assert ended == ["deepseek", "local"]
    gateway.operator_acted()
    await gateway.ask(question(3), lambda *_: None)
    ended = [call.provider for call in making.kept if call.outcome != "unfinished"]
    assert ended == ["deepseek", "local"] * 2


async def test_the_status_of_a_model_that_answers_does_not_hide_one_that_does_not() -> None:
    making = Making()
    making.script = [BAD_KEY, OK]
    house = ModelHouse(making.make, lambda _severity, _text: None)
    refused = house.gateway(DEEPSEEK)
    other = house.gateway(DEEPSEEK.model_copy(update={"api_key": SecretStr("sk-2")}))
    for gateway in (refused, other):
        await gateway.ask(Question("c1", PROMPT, {}), lambda _reasoning, _answer: None)
        making.script = [OK]
    assert other.status.state is ModelState.READY
    assert house.worst(other.status) == refused.status
    assert house.worst(other.status).state is ModelState.STOPPED
    house.operator_acted()
    assert house.worst(other.status) == other.status


async def test_a_brown_out_ends_for_all_who_ask_the_model_when_it_answers_one() -> None:
    making = Making()
    making.script = [BUSY]
    patient, quick = (
        making.make(DEEPSEEK.model_copy(update={"temperature": each, "breaker_failures": 1}))
        for each in (0.0, 1.0)
    )
    asked = Question("c1", PROMPT, {}), lambda _reasoning, _answer: None
    await patient.ask(*asked)
    assert (await quick.ask(*asked)).outcome == "brown_out"
    assert {each.status.state for each in (patient, quick)} == {ModelState.BROWN_OUT}
    making.clock.seconds += 61
    making.script[:] = [OK]
    assert (await quick.ask(*asked)).outcome == "ok"
    assert {each.status.state for each in (patient, quick)} == {ModelState.READY}


async def test_recorded_answers_connect_nowhere(tmp_path: Path) -> None:
    making = Making()
    path = write(tmp_path / "state.db", [("run-1-1", audit())])
    config = LlmModelConfig(provider="recorded", recorded=str(path), fallbacks=(LOCAL,))
    reply = await making.make(config).ask(question(), lambda _reasoning, _answer: None)
    assert reply.completion.answer == ANSWER
    assert making.endpoints == []
    assert making.kept == []
