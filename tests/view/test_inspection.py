"""Records that were asked for: bounded, clean, and never a promise that is not kept."""

from hypothesis import given
from hypothesis import strategies as st

from tests.view import samples
from tui_trader.messages import CommandResult, DecisionInspected, Gap, InspectDecision, Message
from tui_trader.models import InstrumentRef, ModelCall, TargetPosition
from tui_trader.view.inspection import MAX_PASSAGE, MAX_ROWS, remarks
from tui_trader.view.model import MAX_INSPECTIONS, Dirty, Inspection, ViewModel
from tui_trader.view.reducer import reduce, sent


def ask(compose_id: str = "c1", view: ViewModel | None = None, name: str = "i") -> ViewModel:
    command = InspectDecision(name, "console", compose_id=compose_id)
    asked, dirty = sent(view or ViewModel(), command, now=1.0)
    assert dirty & Dirty.INSPECTION
    return asked


def after(view: ViewModel, *messages: Message) -> Inspection:
    for message in messages:
        view, _ = reduce(view, message)
    inspection = view.inspection("c1")
    assert inspection is not None
    return inspection


def answer(detail: str, *, ok: bool) -> CommandResult:
    return CommandResult(0, "i", InspectDecision.kind, ok, detail)


def test_a_record_is_on_its_way_then_here() -> None:
    waiting = after(ask())
    assert (waiting.record, waiting.refused) == (None, None)
    here = after(ask(), samples.inspected(), answer("decision c1", ok=True))
    assert here.record is not None
    assert (here.record.audit.prompt, here.refused) == ("told", None)


def test_a_refusal_is_kept_with_its_reason() -> None:
    refused = after(ask(), answer("no decision\x1b[2J c1", ok=False))
    assert (refused.record, refused.refused) == (None, "no decision[2J c1")


def test_a_record_that_was_lost_on_its_way_is_not_waited_for() -> None:
    assert after(ask(), answer("decision c1", ok=True)).refused == "it was lost on its way"


def test_asked_again_after_a_refusal_it_waits_again() -> None:
    view, _ = reduce(ask(), answer("not yet", ok=False))
    assert after(ask(view=view, name="again")).refused is None


def test_what_nobody_asked_for_here_is_not_kept() -> None:
    view, _ = reduce(ask("c1"), samples.inspected("c2"))
    assert [it.compose_id for it in view.inspections] == ["c1"]


def test_the_newest_few_are_kept() -> None:
    view = ViewModel()
    for number in range(10):
        view = ask(f"c{number}", view)
        view, _ = reduce(view, samples.inspected(f"c{number}"))
    assert [it.compose_id for it in view.inspections] == ["c6", "c7", "c8", "c9"]
    assert len(view.inspections) == MAX_INSPECTIONS


def test_a_gap_and_its_snapshot_keep_what_was_shown() -> None:
    here = after(ask(), samples.inspected(), Gap(), samples.snapshot())
    assert here.record is not None


def test_an_answer_is_no_news_for_the_footer() -> None:
    view, _ = reduce(ask(), answer("no decision c1", ok=False))
    assert view.outcome is None
    assert view.pending == ()


def test_a_long_prompt_is_whole_and_a_huge_one_says_what_is_missing() -> None:
    long = after(ask(), samples.inspected(prompt="p" * 25_000))
    assert long.record is not None
    assert (len(long.record.audit.prompt), long.cut["prompt"]) == (25_000, 0)
    huge = after(ask(), samples.inspected(raw_output="r" * (MAX_PASSAGE + 123)))
    assert huge.record is not None
    assert (len(huge.record.audit.raw_output), huge.cut["raw_output"]) == (MAX_PASSAGE, 123)


def test_of_too_many_remarks_the_first_are_kept_and_the_rest_counted() -> None:
    many = after(ask(), samples.inspected(filtered=tuple(map(str, range(MAX_ROWS + 7)))))
    assert many.record is not None
    assert many.record.audit.filtered[-2:] == (str(MAX_ROWS - 1), "and 7 more")
    assert remarks(["a\nb", "c", "d"], limit=2) == ("a b", "c", "and 1 more")


hostile = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b\x9b\x07\u202e\u200b\u2066\ud800[/]"),
    max_size=40,
)


@given(hostile)
def test_no_text_of_a_record_steers_a_terminal(evil: str) -> None:
    target = TargetPosition(
        instrument=InstrumentRef(symbol=evil), action="long", target_qty=1.0, rationale=evil
    )
    call = ModelCall(
        compose_id=evil, attempt=1, asked_at=0, provider=evil, model=evil, outcome=evil, error=evil
    )
    record = samples.record().model_copy(
        update={
            "rationale": evil,
            "targets": (target,),
            "features": ({"symbol": evil, evil: {evil: evil}},),
            "results": ({"reason": evil, "fills": [evil]},),
            "audit": samples.record().audit.model_copy(
                update={
                    "prompt": evil,
                    "raw_output": evil,
                    "reasoning": evil,
                    "error": evil,
                    "parameters": {evil: [evil, {evil: evil}]},
                    "token_usage": {evil: 1},
                    "calls": (call,),
                    "flags": (evil,),
                }
            ),
        }
    )
    view, _ = reduce(ask(), DecisionInspected(0, record))
    here = view.inspection("c1")
    assert here is not None
    assert here.record is not None
    texts = list(strings(here.record.model_dump()))
    assert len(texts) > 15
    for text in texts:
        assert text.replace("\n", "").isprintable()
        text.encode()


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [str(value)]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings(item)]
    return []
