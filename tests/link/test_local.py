import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from tests.view import samples
from tui_trader.agent.publisher import Publisher
from tui_trader.clock import VirtualClock
from tui_trader.link import StartRefused
from tui_trader.link.client import EngineClient
from tui_trader.link.local import LocalClient
from tui_trader.messages import (
    AlertRaised,
    Command,
    CommandResult,
    EngineStopped,
    Fact,
    Gap,
    Kill,
    Message,
    Pause,
    QuoteChanged,
    Snapshot,
    TradingState,
)

CLOCK = VirtualClock(0)
PATIENCE = 30.0
"""Seconds after which a test that hangs fails; nothing waits for them."""


class Engine:
    """Publishes what `work` tells it to, and answers every command."""

    def __init__(self, work: "Callable[[Engine], Awaitable[None]] | None" = None) -> None:
        self.publisher = Publisher(CLOCK, samples.SESSION, TradingState.ACTIVE)
        self.stop = asyncio.Event()
        self.running = False
        self.thread = threading.get_ident()
        self._work = work

    async def run(self) -> None:
        self.running = True
        if self._work is None:
            await self.stop.wait()
        else:
            await self._work(self)
        self.publisher.publish(EngineStopped(0, "asked"))

    def subscribe(self, sink: Callable[[Message], None]) -> Callable[[], None]:
        return self.publisher.subscribe(sink)

    def snapshot(self) -> Snapshot:
        return self.publisher.snapshot()

    def command(self, command: Command) -> None:
        assert threading.get_ident() == self.thread
        when = "running" if self.running else "starting"
        if isinstance(command, Kill):
            raise RuntimeError("disk\nfull")
        self.publisher.publish(CommandResult(0, command.command_id, command.kind, True, when))

    def request_stop(self) -> None:
        assert threading.get_ident() == self.thread
        self.stop.set()


def built(*work: Callable[[Engine], Awaitable[None]]) -> Callable[[], Awaitable[Engine]]:
    """What builds an `Engine` that does `work`."""

    async def build() -> Engine:
        return Engine(*work)

    return build


def _facts(messages: Sequence[Message]) -> list[Fact]:
    return [message for message in messages if isinstance(message, Fact)]


async def _next(batches: AsyncIterator[Sequence[Message]]) -> list[Message]:
    return list(await asyncio.wait_for(anext(batches), PATIENCE))


async def _rest(batches: AsyncIterator[Sequence[Message]]) -> list[Message]:
    async with asyncio.timeout(PATIENCE):
        return [message async for batch in batches for message in batch]


async def test_a_viewer_gets_a_snapshot_then_every_fact_in_order_then_the_end() -> None:
    async def work(engine: Engine) -> None:
        assert threading.get_ident() != console
        for n in range(1_000):
            engine.publisher.publish(samples.alert(n))
            if n % 10 == 0:
                await asyncio.sleep(0)

    console = threading.get_ident()
    client: EngineClient = LocalClient(built(work), CLOCK)
    messages = await _rest(client.batches())
    assert isinstance(messages[0], Snapshot)
    assert [fact.seq for fact in _facts(messages)] == list(range(1, 1_002))
    assert isinstance(messages[-1], EngineStopped)
    await client.close()


async def test_a_stalled_console_neither_slows_the_engine_nor_fills_memory() -> None:
    beats, limit = 5_000, 100
    stalled, beaten = threading.Event(), threading.Event()

    async def work(engine: Engine) -> None:
        await asyncio.to_thread(stalled.wait, PATIENCE)
        for n in range(beats):
            engine.publisher.publish(samples.alert(n))
            engine.publisher.publish(samples.quote(n))
            await asyncio.sleep(0)
        beaten.set()
        await engine.stop.wait()

    client = LocalClient(built(work), CLOCK, limit=limit)
    batches = client.batches()
    assert isinstance((await _next(batches))[0], Snapshot)
    stalled.set()
    assert beaten.wait(PATIENCE), "the engine waited for the console"
    missed = await _next(batches)
    assert len(missed) <= limit
    assert missed[0] == Gap()
    assert isinstance(missed[1], Snapshot)
    fresh = [fact.seq for fact in _facts(missed) if fact.seq > missed[1].seq]
    assert fresh == list(range(missed[1].seq + 1, beats + 1))
    assert [message.ts for message in missed if isinstance(message, QuoteChanged)] == [beats - 1]
    await client.close()
    assert isinstance((await _rest(batches))[-1], EngineStopped)


async def test_a_stalled_console_is_woken_once_for_all_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stalled, done = threading.Event(), threading.Event()

    async def work(engine: Engine) -> None:
        await asyncio.to_thread(stalled.wait, PATIENCE)
        for n in range(1_000):
            engine.publisher.publish(samples.alert(n))
        done.set()
        await engine.stop.wait()

    client = LocalClient(built(work), CLOCK)
    batches = client.batches()
    await _next(batches)
    calls: list[Callable[[], None]] = []
    loop = asyncio.get_running_loop()
    wake = loop.call_soon_threadsafe

    def counted(callback: Callable[[], None]) -> None:
        calls.append(callback)
        wake(callback)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_soon_threadsafe", counted)
        stalled.set()
        assert done.wait(PATIENCE)
    assert len(calls) == 1
    assert len(await _next(batches)) == 1_000
    await client.close()


async def test_the_last_word_is_heard_even_by_one_who_fell_behind() -> None:
    stalled = threading.Event()

    async def work(engine: Engine) -> None:
        await asyncio.to_thread(stalled.wait, PATIENCE)
        for n in range(10):
            engine.publisher.publish(samples.alert(n))
        raise ValueError("broken")

    client = LocalClient(built(work), CLOCK, limit=3)
    batches = client.batches()
    await _next(batches)
    stalled.set()
    await client.close()
    messages = await _rest(batches)
    assert messages[0] == Gap()
    assert messages[-1] == EngineStopped(0, "failed", "ValueError: broken")


async def test_a_build_that_fails_is_told_in_one_line() -> None:
    async def build() -> Engine:
        raise ValueError("config.toml line 3:\n  no such model")

    messages = await _rest(LocalClient(build, CLOCK).batches())
    error = "ValueError: config.toml line 3: no such model"
    assert messages == [EngineStopped(0, "failed", error)]


async def test_a_start_that_is_refused_is_the_viewer_s_to_tell(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def build() -> Engine:
        raise StartRefused("config.toml line 3:\n  no such model", 2)

    client = LocalClient(build, CLOCK)
    with pytest.raises(StartRefused, match=r"line 3:\n  no such model") as refused:
        await _rest(client.batches())
    assert refused.value.code == 2
    assert caplog.text == ""
    await client.close()


async def test_an_engine_that_crashes_is_told_after_what_it_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(engine: Engine) -> None:
        engine.publisher.publish(samples.alert())
        raise SystemExit(3)

    messages = await _rest(LocalClient(built(work), CLOCK).batches())
    assert isinstance(messages[-2], AlertRaised)
    assert messages[-1] == EngineStopped(0, "failed", "SystemExit: 3")
    assert "the engine failed" in caplog.text


async def test_a_command_sent_while_the_engine_is_built_is_served_before_it_runs() -> None:
    may_build = threading.Event()

    async def build() -> Engine:
        may_build.wait(PATIENCE)
        return Engine(work)

    async def work(engine: Engine) -> None:
        engine.publisher.publish(samples.alert())
        await engine.stop.wait()

    client = LocalClient(build, CLOCK)
    batches = client.batches()
    first = asyncio.ensure_future(_next(batches))
    await asyncio.sleep(0)
    client.send(Pause("early", "console"))
    may_build.set()
    messages = await first
    while not any(isinstance(message, AlertRaised) for message in messages):
        messages += await _next(batches)
    client.send(Pause("late", "console"))
    messages += await _next(batches)
    answers = [message for message in messages if isinstance(message, CommandResult)]
    assert [(a.command_id, a.detail) for a in answers] == [
        ("early", "starting"),
        ("late", "running"),
    ]
    await client.close()


async def test_a_command_that_the_engine_cannot_take_is_answered_all_the_same() -> None:
    client = LocalClient(built(), CLOCK)
    batches = client.batches()
    await _next(batches)
    client.send(Kill("k", "console"))
    answer = (await _next(batches))[0]
    assert answer == CommandResult(0, "k", "KILL", False, "RuntimeError: disk full")
    await client.close()


async def test_resync_brings_a_gap_and_a_snapshot() -> None:
    client = LocalClient(built(), CLOCK)
    batches = client.batches()
    messages = await _next(batches)
    client.resync()
    while len(messages) < 3:
        messages += await _next(batches)
    assert [message.kind for message in messages] == ["SNAPSHOT", "GAP", "SNAPSHOT"]
    await client.close()


async def test_closing_lets_the_engine_end_by_itself() -> None:
    ended = threading.Event()

    async def work(engine: Engine) -> None:
        await engine.stop.wait()
        ended.set()

    client = LocalClient(built(work), CLOCK)
    batches = client.batches()
    await _next(batches)
    await client.close()
    assert ended.is_set()
    assert isinstance((await _rest(batches))[-1], EngineStopped)
    await client.close()


async def test_closing_while_the_engine_is_built_ends_it_right_after() -> None:
    may_build = threading.Event()

    async def build() -> Engine:
        may_build.wait(PATIENCE)
        return Engine()

    client = LocalClient(build, CLOCK)
    following = asyncio.ensure_future(_rest(client.batches()))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(client.close())
    await asyncio.sleep(0)
    may_build.set()
    await closing
    assert isinstance((await following)[-1], EngineStopped)


async def test_a_wedged_engine_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    async def work(engine: Engine) -> None:
        release.wait(PATIENCE)
        await engine.stop.wait()

    client = LocalClient(built(work), CLOCK, patience=0.0)
    batches = client.batches()
    await _next(batches)
    await client.close()
    assert "left behind" in caplog.text
    release.set()
    assert isinstance((await _rest(batches))[-1], EngineStopped)


async def test_closing_what_was_never_followed_does_nothing() -> None:
    await LocalClient(built(), CLOCK).close()


async def test_the_batches_can_be_followed_only_once() -> None:
    client = LocalClient(built(), CLOCK)
    await _next(client.batches())
    with pytest.raises(RuntimeError, match="only once"):
        await anext(client.batches())
    await client.close()
