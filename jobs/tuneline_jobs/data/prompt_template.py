"""Rendering a prompt: `{{column}}` in a template becomes that column of a row."""

from __future__ import annotations

import re

from ..runtime.outcome import BadSpec

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def require_placeholders(template: str, columns: list[str]) -> None:
    """Raise BadSpec unless every placeholder names a column, and there is at least one."""
    names = PLACEHOLDER.findall(template)
    there = ", ".join(columns)
    if not names:
        raise BadSpec(f"prompt.template: names no column as {{{{column}}}}; there are {there}.")
    for name in names:
        if name not in columns:
            raise BadSpec(f'prompt.template: no column "{name}"; there are {there}.')


def render(template: str, values: dict[str, str]) -> str:
    """The template with its placeholders replaced in one pass: a value's own braces stay as they are."""
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], template)
