"""The console: one app, a screen for each question, one table of actions."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from tui_trader.console import environment

environment.prepare()

from textual.binding import Binding, BindingType  # noqa: E402

from tui_trader.clock import Clock  # noqa: E402
from tui_trader.console import egress, theme  # noqa: E402
from tui_trader.console.scene import Scene, ViewUpdated  # noqa: E402
from tui_trader.console.screens.stack import ScreensApp  # noqa: E402
from tui_trader.link import StartRefused  # noqa: E402
from tui_trader.view.actions import ACTIONS  # noqa: E402

if TYPE_CHECKING:
    from textual.command import Provider

    from tui_trader.console.bridge import Bridge
    from tui_trader.console.modals.confirmation import Answer, Question
    from tui_trader.link.client import EngineClient
    from tui_trader.messages import Command
    from tui_trader.view.model import ViewModel


_CLOCKS_AGREE_MS = 2_000


def _palette() -> type[Provider]:
    from tui_trader.console.palette import Actions

    return Actions


class ConsoleApp(ScreensApp, inherit_bindings=False):
    """Shows one engine and hands it the operator's commands.

    `connect` makes the client; it is called once, in a thread, after the first frame, and may
    import the engine. `ids` gives an id for each command, `issuer` says who asks. `hosted` tells
    whether the engine lives and ends with this process. `clock` is the wall's; where the engine
    keeps another time (a replay's), its signs of life set what is shown.
    """

    CSS_PATH = "styles/console.tcss"
    TITLE = "tui-trader"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    ENABLE_COMMAND_PALETTE = True
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(action.key, action.name, action.title, show=False, priority=action.priority)
            for action in ACTIONS
        ),
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        connect: Callable[[], EngineClient],
        clock: Clock,
        *,
        ids: Callable[[], str],
        issuer: str = "console",
        hosted: bool = True,
    ) -> None:
        connecting = "starting the engine…" if hosted else "attaching to the engine…"
        super().__init__(Scene(now_ms=clock.now_ms(), now=clock.monotonic(), connecting=connecting))
        egress.install()
        self.register_theme(theme.CONSOLE_THEME)
        self.theme = theme.CONSOLE_THEME.name
        self._connect = connect
        self._clock = clock
        self._ids = ids
        self._issuer = issuer
        self._hosted = hosted
        self._bridge: Bridge | None = None
        self._unsent: list[Command] = []
        self._leaving = False
        self.refused: str | None = None
        self.left = threading.Event()
        self._behind_ms = 0

    # --- start and end ----------------------------------------------------------------------------

    def on_mount(self) -> None:
        """The engine starts once the first frame is on its way."""
        self.set_interval(1.0, self.tick)
        self.call_after_refresh(self.run_worker, self._follow(), group="engine")

    async def _follow(self) -> None:
        gc.freeze()  # what was imported so far stays: no collection needs to look at it again
        gc.enable()
        try:
            client, make_bridge = await asyncio.to_thread(self._start)
            self._bridge = make_bridge(client, self.post_message, self._clock.monotonic)
            for command in self._unsent:
                self._bridge.send(command)
            self._unsent.clear()
            await self._bridge.follow()
        except StartRefused as refused:
            self.refused = str(refused)
            self.exit(return_code=refused.code)

    def _start(self) -> tuple[EngineClient, type[Bridge]]:
        """In a thread: what takes time to import."""
        from tui_trader.console.bridge import Bridge

        return self._connect(), Bridge

    async def close_engine(self) -> None:
        """Leave the engine; one that is hosted here ends. Harmless when repeated."""
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            await bridge.close()
        self.left.set()

    def leave(self) -> None:
        """End gracefully: the engine first, if it is hosted here. Asked again: at once."""
        if self._leaving:
            self.exit(return_code=self.engine_code())
            return
        self._leaving = True
        self._show(replace(self.scene, leaving=True))
        self.run_worker(self._leave(), group="leave")

    async def _leave(self) -> None:
        await self.close_engine()
        self.exit(return_code=self.engine_code())

    def engine_code(self) -> int:
        """1 when the engine failed, else 0."""
        stopped = self.scene.view.stopped if self.scene.view else None
        return 1 if stopped is not None and stopped.error is not None else 0

    def _fatal_error(self) -> None:
        """Textual would print local variables here, secrets among them."""
        from tui_trader.console.crash import report

        if self._exception is not None:
            self.panic(report(self._exception))
        else:
            self.panic()

    # --- what is shown ----------------------------------------------------------------------------

    @property
    def view(self) -> ViewModel | None:
        """The newest view, None until the engine was heard."""
        return self.scene.view

    def on_view_updated(self, message: ViewUpdated) -> None:
        """Hand the newest view to the screens that are shown."""
        health, known = message.view.health, self.view
        if health is not None and (known is None or health is not known.health):
            behind = health.ts - self._clock.now_ms()
            self._behind_ms = behind if abs(behind) > _CLOCKS_AGREE_MS else 0
        scene = replace(
            self.scene,
            view=message.view,
            heard=message.heard,
            symbol=_shown_symbol(message.view, self.scene.symbol),
            now_ms=self._clock.now_ms() + self._behind_ms,
            now=self._clock.monotonic(),
        )
        self.scene = scene
        self.watched.apply(scene, message.dirty)
        self.apply_to_questions()

    def tick(self) -> None:
        """A second has passed."""
        now_ms = self._clock.now_ms() + self._behind_ms
        self.scene = replace(self.scene, now_ms=now_ms, now=self._clock.monotonic())
        self.watched.tick(self.scene.now_ms, self.scene.now)

    def _show(self, scene: Scene) -> None:
        self.scene = scene
        self.watched.show(scene)
        self.apply_to_questions()

    # --- commands ---------------------------------------------------------------------------------

    def _send(self, kind: type[Command], **details: Any) -> None:
        """Send a command, or keep it until there is an engine to send it to."""
        command = kind(
            command_id=self._ids(),
            issuer=self._issuer,
            believed=self.view.state if self.view else None,
            **details,
        )
        if self._bridge is None:
            self._unsent.append(command)
        else:
            self._bridge.send(command)

    def _ask(self, question: Question, then: Callable[[Answer], None]) -> None:
        from tui_trader.console.modals.confirmation import Confirmation

        if isinstance(self.screen, Confirmation):
            return

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                then(answer)

        self.push_screen(Confirmation(question, self.scene), answered)

    def action_toggle_pause(self) -> None:
        """Pause; resume when paused; ask before resuming from a kill."""
        from tui_trader.console.modals import questions
        from tui_trader.messages import Pause, Resume

        state = self.view.state if self.view else None
        if state == "HALTED":
            self._ask(questions.resume(), lambda _: self._send(Resume))
        elif state == "REDUCING":
            self._send(Resume)
        else:
            self._send(Pause)

    def action_close_position(self) -> None:
        """Close the selected position."""
        from tui_trader.console.modals import questions
        from tui_trader.messages import ClosePosition

        if self.watched is not self.dashboard:
            self.dashboard.show(self.scene)  # what is not shown is not told of news
        symbol = self.dashboard.selected_symbol
        if symbol is None:
            self.watched.say("no open position is known: nothing to close")
            return
        self._ask(questions.close(symbol), lambda _: self._send(ClosePosition, symbol=symbol))

    def action_close_all(self) -> None:
        """Close everything."""
        from tui_trader.console.modals import questions
        from tui_trader.messages import ClosePosition

        self._ask(questions.close_all(), lambda _: self._send(ClosePosition, symbol=""))

    def action_kill(self) -> None:
        """The kill switch."""
        from tui_trader.console.modals import questions
        from tui_trader.messages import Kill

        self._ask(questions.kill(), lambda answer: self._send(Kill, flatten=answer.option))

    def action_go_live(self) -> None:
        """Trade real money; the engine decides whether it may."""
        from tui_trader.console.modals import questions
        from tui_trader.messages import GoLive

        self._ask(questions.go_live(), lambda answer: self._send(GoLive, account=answer.text))

    def action_decide_now(self) -> None:
        """Run a cycle now."""
        from tui_trader.messages import DecideNow

        self._send(DecideNow)

    def action_resync(self) -> None:
        """Ask for a fresh snapshot."""
        if self._bridge is not None:
            self._bridge.resync()
            self.watched.say("asked the engine for a fresh snapshot")

    # --- looking ----------------------------------------------------------------------------------

    def action_show_dashboard(self) -> None:
        """The dashboard."""
        self.watch_screen(self.dashboard)

    def action_show_decisions(self) -> None:
        """The decisions, as they were left."""
        self.watch_screen(self.decisions)

    def action_open(self) -> None:
        """Open the chosen decision, and ask for its record where it is not known."""
        from tui_trader.messages import InspectDecision

        watched, decisions = self.watched, self.decisions
        if (compose_id := watched.chosen()) is None:
            return
        if decisions.opened != compose_id or watched is not decisions:
            decisions.open(compose_id, from_dashboard=watched is self.dashboard)
        known = self.view.inspection(compose_id) if self.view else None
        if known is None or known.refused is not None:
            self._send(InspectDecision, compose_id=compose_id)
        self.watch_screen(decisions)

    def action_filter(self) -> None:
        """Type words that decisions must have."""
        self.decisions.type_filter()

    async def action_back(self) -> None:
        """Close what is open, at last the screen."""
        if self.decisions.back():
            self.watch_screen(self.dashboard)

    def action_next_symbol(self) -> None:
        """Chart the next symbol."""
        symbols = self.view.session.symbols if self.view and self.view.session else ()
        if symbols:
            current = self.scene.symbol
            place = symbols.index(current) + 1 if current in symbols else 0
            self._show(replace(self.scene, symbol=symbols[place % len(symbols)]))

    def action_next_indicator(self) -> None:
        """Show the next indicator."""
        self.dashboard.next_indicator()

    def action_maximise(self) -> None:
        """Give the focused panel all the room, or take it back."""
        self.dashboard.toggle_maximised()

    def action_toggle_follow(self) -> None:
        """Hold the event tail, or let it follow."""
        self.dashboard.toggle_follow()

    def action_help(self) -> None:
        """All keys; pressed again, back."""
        from tui_trader.console.modals.help import Help

        if isinstance(self.screen, Help):
            self.screen.dismiss()
            return
        session = self.view.session if self.view else None
        self.push_screen(Help(session.warnings if session else ()))

    async def action_quit(self) -> None:
        """Ask, then leave; while leaving: leave at once."""
        from tui_trader.console.modals import questions

        if self._leaving:
            self.leave()
            return
        self._ask(questions.leave(hosted=self._hosted), lambda _: self.leave())

    async def action_interrupt(self) -> None:
        """Quit, from anywhere."""
        await self.action_quit()


def _shown_symbol(view: ViewModel, current: str | None) -> str | None:
    """The chosen symbol while it exists, else the first."""
    symbols = view.session.symbols if view.session else ()
    return current if current in symbols else next(iter(symbols), None)
