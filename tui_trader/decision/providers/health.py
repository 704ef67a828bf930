"""How the models do, and what the operator is told of it."""

from collections.abc import Callable, Sequence

from tui_trader.clock import Clock
from tui_trader.decision.providers.book import CallBook
from tui_trader.decision.providers.route import Route
from tui_trader.decision.words import amount, utc
from tui_trader.messages import AlertRaised, Message, ModelState, ModelStatus, Severity

_UNSURE = (
    "what a call of today has cost is unknown, so llm.daily_cap_usd can't be kept: no model is"
    " asked before you decide now (d); llm.price_input_usd and llm.price_output_usd make the cost"
    " of the first model known from then on"
)


class ModelHealth:
    """Publishes a status after every call, and an alert at every turn for the worse or the better.

    A brown-out begins when no model can be asked for now, and ends when one answers. `asked` is the
    model that was asked last.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        book: CallBook,
        *,
        clock: Clock,
        wall: Clock,
        publish: Callable[[Message], None],
    ) -> None:
        self.asked = routes[0]
        self._routes = tuple(routes)
        self._book = book
        self._spending = book.spending
        self._clock = clock
        self._wall = wall
        self._publish = publish
        self._answering = routes[0]
        self._brown_out = False

    @property
    def state(self) -> ModelState:
        """Whether a model can be asked."""
        if self._spending.unsure or all(route.standing.stopped for route in self._routes):
            return ModelState.STOPPED
        if self._spending.capped:
            return ModelState.CAPPED
        return ModelState.BROWN_OUT if self._nobody_answers else ModelState.READY

    @property
    def status(self) -> ModelStatus:
        """All of it."""
        today, run = self._spending.today, self._spending.run
        return ModelStatus(
            ts=self._clock.now_ms(),
            state=self.state,
            provider=self.asked.provider,
            model=self.asked.model,
            detail=self.detail,
            calls_today=today.calls,
            tokens_today=today.tokens,
            cost_today_usd=today.cost_usd,
            calls_run=run.calls,
            tokens_run=run.tokens,
            cost_run_usd=run.cost_usd,
            daily_cap_usd=self._spending.daily_cap_usd,
        )

    @property
    def detail(self) -> str:
        """Why no model can be asked; else who failed last, who speaks for whom, or what the probe
        found."""
        match self.state:
            case ModelState.STOPPED:
                return _UNSURE if self._spending.unsure else self._troubles()
            case ModelState.CAPPED:
                return self._spent()
            case ModelState.BROWN_OUT:
                return self._unavailable()
        first = self._routes[0]
        if self.asked.standing.trouble:
            return f"{self.asked.name}: {self.asked.standing.trouble}"
        if self.asked is not first:
            return f"in place of {first.name}: {first.standing.why_not}"
        return first.standing.found

    @property
    def _nobody_answers(self) -> bool:
        """A brown-out has begun, and no model has answered anybody since."""
        failing = all(route.standing.why_not for route in self._routes)
        return self._brown_out and (failing or bool(self._book.unwritten))

    def tell(self) -> None:
        """Publish the status, and before it what has turned for the worse."""
        nobody = bool(self._book.unwritten) or not any(
            route.standing.available for route in self._routes
        )
        if nobody and not self._brown_out and self.state is not ModelState.STOPPED:
            self._brown_out = True
            self._alert(
                Severity.WARNING,
                f"brown-out: {self._unavailable()}: nothing opens until a model answers",
            )
        if self._spending.newly_unsure():
            self._alert(Severity.ERROR, _UNSURE)
        if self._spending.newly_capped():
            self._alert(Severity.WARNING, self._spent())
        self._publish(self.status)

    def probed(self, route: Route, found: str) -> None:
        """Say what the probe of `route` has found."""
        route.standing.found = found
        self._alert(Severity.INFO, f"{route.name}: {found}")

    def stopped(self, route: Route) -> None:
        """Say that `route` waits for the operator."""
        self._alert(Severity.ERROR, f"{route.name} is asked no more: {route.standing.stopped}")

    def answered(self, route: Route) -> None:
        """Say what an answer ends, or that it is another model's than before."""
        first = self._routes[0]
        if self._brown_out:
            self._brown_out = False
            self._alert(Severity.INFO, f"the brown-out is over: {route.name} answers")
            self._publish(self.status)
        elif route is first and self._answering is not first:
            self._alert(Severity.INFO, f"{first.name} answers again")
        elif route is not self._answering:
            because = first.standing.why_not
            self._alert(Severity.WARNING, f"{route.name} in place of {first.name}: {because}")
        self._answering = route

    def _troubles(self) -> str:
        troubles = {route.name: route.standing.why_not for route in self._routes}
        return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items() if trouble)

    def _unavailable(self) -> str:
        if self._book.unwritten:
            return self._book.unwritten
        wait = min(
            route.standing.breaker.wait for route in self._routes if not route.standing.stopped
        )
        again = utc(self._wall.now_ms() + round(wait * 1000)) if wait else "the next decision"
        return f"{self._troubles()}; asked again from {again} on"

    def _spent(self) -> str:
        spent, cap = self._spending.today.known_usd, self._spending.daily_cap_usd or 0.0
        midnight = utc(self._spending.tomorrow_ms)
        return (
            f"{amount(float(spent))} USD of llm.daily_cap_usd = {amount(cap)} are spent today:"
            f" no model is asked before {midnight}; closes go on"
        )

    def _alert(self, severity: Severity, text: str) -> None:
        self._publish(AlertRaised(self._clock.now_ms(), severity, "model", text))
