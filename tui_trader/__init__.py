"""tui-trader: the operator's console of an LLM trading agent."""

__version__ = "0.1.0"
