"""Templates of the prompt's stable part: files that the operator may edit while the agent runs."""

from tui_trader.decision.templates.files import (
    Loaded,
    TemplateFile,
    default_template,
    packaged_text,
)
from tui_trader.decision.templates.template import (
    PLACEHOLDERS,
    Template,
    TemplateError,
    parse_template,
)

__all__ = [
    "PLACEHOLDERS",
    "Loaded",
    "Template",
    "TemplateError",
    "TemplateFile",
    "default_template",
    "packaged_text",
    "parse_template",
]
