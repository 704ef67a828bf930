"""The loop of the simulation: time without waiting, and a death that leaves no last words."""

import asyncio

import pytest

from tests.simulation.loop import Agenda, Crash, Dead, Deadlock, SimClock, VirtualLoop
from tests.simulation.points import Life


def test_time_jumps_to_whatever_comes_next() -> None:
    agenda = Agenda(1_000)
    clock, seen = SimClock(agenda), []

    async def work() -> None:
        agenda.after(5.0, lambda: seen.append(("act", clock.now_ms())))
        await clock.sleep(2.5)
        seen.append(("engine", clock.now_ms()))
        await clock.sleep_until(1_000_000)
        seen.append(("engine", clock.now_ms()))

    loop = VirtualLoop(agenda)
    loop.run_until_complete(work())
    loop.bury()
    assert seen == [("engine", 3_500), ("act", 6_000), ("engine", 1_000_000)]


def test_time_outs_and_calls_from_threads_keep_virtual_time() -> None:
    agenda = Agenda(0)
    loop = VirtualLoop(agenda)

    async def work() -> str:
        loop.call_soon_threadsafe(lambda: None)
        try:
            async with asyncio.timeout(60):
                await loop.create_future()
        except TimeoutError:
            return f"given up after {loop.time():g} s"
        return "answered"

    assert loop.run_until_complete(work()) == "given up after 60 s"
    loop.bury()


def test_a_deadlock_names_who_waits() -> None:
    async def waits_in_vain() -> None:
        await asyncio.get_running_loop().create_future()

    loop = VirtualLoop(Agenda(0))
    with pytest.raises(Deadlock, match="waits_in_vain"):
        loop.run_until_complete(waits_in_vain())
    loop.bury()


def test_a_task_that_spins_is_no_endless_run() -> None:
    async def spins() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    loop = VirtualLoop(Agenda(0))
    with pytest.raises(Deadlock, match="at the same moment"):
        loop.run_until_complete(spins())
    loop.bury()


def test_threads_are_refused() -> None:
    loop = VirtualLoop(Agenda(0))
    with pytest.raises(RuntimeError, match="virtual time"):
        loop.run_until_complete(asyncio.to_thread(print))
    loop.bury()


def test_the_dead_do_nothing_more() -> None:
    """Neither other tasks nor a `finally` reach the disk after a crash."""
    agenda, life, written = Agenda(0), Life(1, alive=True), []

    def write(what: str) -> None:
        life.check()
        written.append(what)

    async def writes_in_the_end() -> None:
        try:
            await asyncio.sleep(10)
            write("after the crash")
        finally:
            write("last words")

    async def dies() -> None:
        task = asyncio.create_task(writes_in_the_end())
        await asyncio.sleep(1)
        write("before the crash")
        life.alive = False
        try:
            raise Crash
        finally:
            with pytest.raises(Dead):
                write("on the way out")
            assert not task.done()

    loop = VirtualLoop(agenda)
    with pytest.raises(Crash):
        loop.run_until_complete(dies())
    loop.bury()
    assert written == ["before the crash"]
    assert agenda.now == 1
    assert loop.is_closed()


def test_a_finally_that_waits_does_not_outlive_the_crash() -> None:
    life = Life(1, alive=True)
    seen = []

    async def dies() -> None:
        try:
            life.alive = False
            raise Crash
        finally:
            await asyncio.sleep(5)
            seen.append("after the crash")

    loop = VirtualLoop(Agenda(0), alive=lambda: life.alive)
    with pytest.raises(Crash):
        loop.run_until_complete(dies())
    loop.bury()
    assert seen == []
    assert loop.agenda.now == 0


def test_a_life_can_end_after_any_step() -> None:
    def die() -> None:
        raise Crash

    async def work() -> None:
        for _ in range(10):
            await asyncio.sleep(1)

    ends = []
    for step in (1, 2, 3):
        agenda = Agenda(0)
        loop = VirtualLoop(agenda, crash_at_step=step, die=die)
        with pytest.raises(Crash):
            loop.run_until_complete(work())
        ends.append((loop.steps, agenda.now))
        loop.bury()
    assert ends == [(1, 0.0), (2, 1.0), (3, 1.0)]
