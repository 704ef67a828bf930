"""The one table of what an operator can do. Footer, palette, help and commands all read it.

Lower case is safe, upper case is dangerous and stands behind a modal.
"""

from dataclasses import dataclass

SCREENS = ("dashboard", "decisions")
ANYWHERE = (*SCREENS, "help")
_DASHBOARD, _DECISIONS = ("dashboard",), ("decisions",)


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is also the console's `action_<name>`; `footer` is the short label, empty to leave it
    out.

    `rank` orders the footer: when it is too narrow, higher ranks go first. `screens` are those on
    which the key acts. With `priority` it acts before the next key is read, else in its turn
    after the keys that move a selection.
    """

    key: str
    name: str
    footer: str
    title: str
    help: str
    dangerous: bool = False
    rank: int = 5
    screens: tuple[str, ...] = ANYWHERE
    priority: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A part of one decision, and the key that shows it."""

    key: str
    name: str
    help: str


ACTIONS: tuple[Action, ...] = (
    Action(
        "1",
        "show_dashboard",
        "dash",
        "Dashboard",
        "Market, account, risk and the newest decision on one screen.",
        rank=2,
        screens=SCREENS,
    ),
    Action(
        "2",
        "show_decisions",
        "decisions",
        "Decisions",
        "All decisions of this run, and what was told, answered, judged and done in each.",
        rank=2,
        screens=SCREENS,
    ),
    Action(
        "enter",
        "open",
        "open",
        "Open a decision",
        "Open the selected decision; on the dashboard the one that opened the selected position, "
        "or the newest one from the agent's panel. Its prompt is shown first.",
        rank=2,
        screens=SCREENS,
        priority=False,
    ),
    Action(
        "escape",
        "back",
        "back",
        "Back",
        "Close the decision, then the filter, then the screen.",
        rank=3,
        screens=_DECISIONS,
        priority=False,
    ),
    Action(
        "slash",
        "filter",
        "filter",
        "Filter decisions",
        "Show only decisions with these words: a symbol, an action, an outcome, a verdict, an "
        "execution, a number, or flagged.",
        rank=2,
        screens=_DECISIONS,
    ),
    Action(
        "space",
        "toggle_pause",
        "pause",
        "Pause or resume",
        "Pause: nothing new is opened, closes go on. Pressed again: resume.",
        rank=1,
    ),
    Action(
        "x",
        "close_position",
        "close",
        "Close a position",
        "Close the selected position at market, after a confirmation.",
        rank=1,
    ),
    Action(
        "X",
        "close_all",
        "close all",
        "Close every position",
        "Close all positions of the agent at market, after a confirmation.",
        dangerous=True,
        rank=4,
    ),
    Action(
        "K",
        "kill",
        "KILL",
        "Kill switch",
        "Halt now and durably; flatten if asked. Type KILL to confirm.",
        dangerous=True,
        rank=1,
    ),
    Action(
        "L",
        "go_live",
        "live",
        "Go live",
        "Trade real money: shows account and limits and asks for the account's name.",
        dangerous=True,
        rank=4,
    ),
    Action(
        "d",
        "decide_now",
        "decide",
        "Decide now",
        "Run a decision cycle now instead of when it is due.",
        rank=2,
    ),
    Action(
        "s",
        "next_symbol",
        "symbol",
        "Next symbol",
        "Show the next symbol in the chart.",
        rank=3,
        screens=_DASHBOARD,
    ),
    Action(
        "i",
        "next_indicator",
        "indicator",
        "Next indicator",
        "Show the next of equity, drawdown, RSI and MACD; a small terminal shows it for the chart.",
        rank=4,
        screens=_DASHBOARD,
    ),
    Action(
        "z",
        "maximise",
        "maximise",
        "Maximise panel",
        "Maximise the focused panel; pressed again: restore.",
        rank=5,
        screens=_DASHBOARD,
    ),
    Action(
        "f",
        "toggle_follow",
        "follow",
        "Follow events",
        "Let the event tail follow the newest line, or hold it where it is.",
        rank=5,
        screens=_DASHBOARD,
    ),
    Action("r", "resync", "resync", "Resync", "Ask the engine for a fresh snapshot.", rank=5),
    Action("question_mark", "help", "help", "Help", "Show all keys and what they do.", rank=1),
    Action(
        "q",
        "quit",
        "quit",
        "Quit",
        "Leave the console. An engine hosted here completes its cycle and stops; positions stay.",
        rank=1,
    ),
)

SECTIONS: tuple[Section, ...] = (
    Section("p", "Prompt", "What the model was told."),
    Section("w", "Reasoning", "The words in which it thought."),
    Section("a", "Answer", "What it answered, as it came."),
    Section("u", "Understood", "The items that were read, what was dropped, what contradicts."),
    Section("v", "Verdicts", "What the risk layer clipped, refused and let pass."),
    Section("o", "Orders", "What was sent, and what came of it."),
    Section("m", "Model", "Calls, tokens, cost and latency; model, template and hashes."),
)
"""The parts of one decision, in the order of what happened."""


def by_name(name: str) -> Action:
    """The action called `name`. Raises KeyError."""
    for action in ACTIONS:
        if action.name == name:
            return action
    raise KeyError(name)
