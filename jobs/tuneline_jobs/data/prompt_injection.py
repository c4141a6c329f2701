"""Phrases in data that read like orders to a model: hints for a person who looks, not a verdict."""

from __future__ import annotations

import re

# After the attack strings that OWASP's LLM01 (prompt injection) describes.
PHRASES = {
    "ignore instructions": r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}"
    r"\b(?:previous|prior|above|earlier|all|your)\b[^.\n]{0,20}\b(?:instructions?|prompts?|rules)\b",
    "new role": r"\b(?:you are now|from now on,? you|pretend (?:to be|you are))\b",
    "reveal the prompt": r"\b(?:reveal|print|repeat|show)\b[^.\n]{0,20}"
    r"\b(?:system|initial|hidden) prompt\b",
    "chat markup": r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>",
    "jailbreak": r"\b(?:jailbreak|developer mode|do anything now)\b",
}
PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in PHRASES.items()}


def find_injections(text: str) -> dict[str, str]:
    """The kinds of phrase that occur in the text, each with the first words that matched."""
    matches = {name: pattern.search(text) for name, pattern in PATTERNS.items()}
    return {name: match.group() for name, match in matches.items() if match}
