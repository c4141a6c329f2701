"""What a model gives to a held-out example, as the cache keeps it."""

from __future__ import annotations

from typing_extensions import TypedDict


class Answer(TypedDict):
    """`nll` (nats) is the negative log-likelihood of the `tokens` tokens of the true completion."""

    id: str
    text: str
    promptTokens: int
    nll: float
    tokens: int


class Timing(TypedDict):
    """How long one request took, and how many tokens it generated."""

    seconds: float
    tokens: int
