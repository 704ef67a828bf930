"""The one table of what an operator can do. Footer, palette, help and commands all read it.

Lower case is safe, upper case is dangerous and stands behind a modal.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is also the console's `action_<name>`; `footer` is the short label, empty to leave it
    out.

    `rank` orders the footer: when it is too narrow, higher ranks go first.
    """

    key: str
    name: str
    footer: str
    title: str
    help: str
    dangerous: bool = False
    rank: int = 5


ACTIONS: tuple[Action, ...] = (
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
        "s", "next_symbol", "symbol", "Next symbol", "Show the next symbol in the chart.", rank=3
    ),
    Action(
        "i",
        "next_indicator",
        "indicator",
        "Next indicator",
        "Show the next of equity, drawdown, RSI and MACD; a small terminal shows it for the chart.",
        rank=4,
    ),
    Action(
        "z",
        "maximise",
        "maximise",
        "Maximise panel",
        "Maximise the focused panel; pressed again: restore.",
        rank=5,
    ),
    Action(
        "f",
        "toggle_follow",
        "follow",
        "Follow events",
        "Let the event tail follow the newest line, or hold it where it is.",
        rank=5,
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


def by_name(name: str) -> Action:
    """The action called `name`. Raises KeyError."""
    for action in ACTIONS:
        if action.name == name:
            return action
    raise KeyError(name)
