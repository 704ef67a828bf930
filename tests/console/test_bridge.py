"""From messages to views: in order, not too often, and honest about the end."""

from collections.abc import Callable

from tests.console import market
from tests.console.fakes import FakeClient, StillClock
from tui_trader.console.bridge import Bridge
from tui_trader.console.scene import ViewUpdated
from tui_trader.messages import EngineStopped, Pause, TradingState
from tui_trader.view.model import Dirty, LinkState


def bridged(client: FakeClient) -> tuple[Bridge, list[ViewUpdated]]:
    posted: list[ViewUpdated] = []
    post: Callable[[ViewUpdated], object] = posted.append
    return Bridge(client, post, StillClock().monotonic), posted


async def test_a_lost_link_is_said_with_its_reason_and_the_state_is_unknown() -> None:
    client = FakeClient(market.snapshot())
    client.lose("broken pipe")
    bridge, posted = bridged(client)
    await bridge.follow()
    last = posted[-1].view
    assert (last.link, last.state, last.state_reason) == (LinkState.LOST, None, "broken pipe")
    assert last.portfolio is not None, "what was known stays, to be shown as stale"


async def test_an_end_without_a_word_is_an_end() -> None:
    client = FakeClient(market.snapshot())
    client.end()
    bridge, posted = bridged(client)
    await bridge.follow()
    assert posted[-1].view.link is LinkState.ENDED


async def test_an_engine_that_stops_is_shown_at_once() -> None:
    client = FakeClient(market.snapshot(), EngineStopped(ts=market.NOW, seq=9_000, reason="asked"))
    client.end()
    bridge, posted = bridged(client)
    await bridge.follow()
    stopped = posted[-1].view.stopped
    assert stopped is not None
    assert stopped.reason == "asked"


async def test_many_messages_become_few_views() -> None:
    client = FakeClient(market.snapshot())
    for step in range(500):
        client.say(market.quote("BTC/USDT", 60_000 + step))
    client.end()
    bridge, posted = bridged(client)
    await bridge.follow()
    assert len(posted) <= 3
    assert posted[-1].view.quotes["BTC/USDT"].last == 60_499


async def test_a_command_waits_until_it_is_answered() -> None:
    client = FakeClient(market.snapshot())
    client.end()
    bridge, posted = bridged(client)
    pause = Pause(command_id="1", issuer="me", believed=TradingState.ACTIVE)
    bridge.send(pause)
    assert client.sent == [pause]
    assert posted[-1].dirty is Dirty.COMMANDS
    assert [waiting.command_id for waiting in posted[-1].view.pending] == ["1"]


async def test_when_more_arrives_than_fits_a_fresh_snapshot_is_asked_for() -> None:
    client = FakeClient(market.snapshot())
    facts = market.cycle(500, market.NOW, 10_000)
    client.say(*(fact for _ in range(3_000) for fact in facts))
    client.end()
    bridge, posted = bridged(client)
    await bridge.follow()
    assert client.resyncs >= 1
    assert any(update.view.gaps for update in posted)
