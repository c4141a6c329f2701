"""Parts of the held-out set that are measured apart, so that a gain on average hides no loss.

Always by length, and by any column that `prepare` kept. A slice has at least MINIMUM_EXAMPLES.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..data.prepared_dataset import Example
from ..runtime.outcome import BadData

# Of fewer a resample is often the same few over and over, and its interval means little.
MINIMUM_EXAMPLES = 8
# With every slice more, a rule over all of them asks for stronger evidence of each.
MAXIMUM_VALUES = 8
BINS = 3
LENGTH = "length"
OTHER = "other"
EMPTY = "(empty)"


class Slice(NamedTuple):
    """The places of those `members` of the held-out set whose `by` is `value`."""

    by: str
    value: str
    members: list[int]


def slices_of(
    examples: list[Example], prompt_tokens: list[int], columns: Sequence[str]
) -> list[Slice]:
    """By the prompt's tokens, then by each column, in the order of their values."""
    tokens = [str(count) for count in prompt_tokens]
    found = by_number(LENGTH, tokens, dict(enumerate(map(float, tokens))), " tokens")
    for column in columns:
        texts = column_of(examples, column)
        numbers = numbers_in(texts)
        many = len(set(texts)) > MAXIMUM_VALUES
        found += by_number(column, texts, numbers) if numbers and many else by_text(column, texts)
    return found


def column_of(examples: list[Example], column: str) -> list[str]:
    try:
        return [example["columns"][column] or EMPTY for example in examples]
    except KeyError:
        raise BadData(
            f'slices: the dataset has kept no column "{column}"; prepare it again with that slice.'
        ) from None


def numbers_in(texts: Sequence[str]) -> dict[int, float] | None:
    """The numbers by their places; None where anything but a number or nothing is among the texts."""
    try:
        found = {place: float(text) for place, text in enumerate(texts) if text != EMPTY}
    except ValueError:
        return None
    return found if all(map(math.isfinite, found.values())) else None


def by_number(
    by: str, texts: Sequence[str], numbers: dict[int, float], unit: str = ""
) -> list[Slice]:
    """Up to three ranges with about as many examples in each; equal numbers are never parted."""
    enough = max(MINIMUM_EXAMPLES, math.ceil(len(numbers) / BINS))
    order = sorted(numbers, key=lambda place: (numbers[place], place))
    ranges: list[list[int]] = [[]]
    for done, place in enumerate(order):
        last = ranges[-1]
        left = len(order) - done
        parted = last and numbers[last[-1]] != numbers[place]
        if parted and len(last) >= enough and left >= MINIMUM_EXAMPLES:
            ranges.append([])
        ranges[-1].append(place)
    named = {f"{texts[r[0]]} to {texts[r[-1]]}{unit}": r for r in ranges if r}
    named[EMPTY] = [place for place in range(len(texts)) if place not in numbers]
    return large_enough(by, named)


def by_text(by: str, texts: Sequence[str]) -> list[Slice]:
    """The most frequent values; the rest together as "other"."""
    counts = Counter(text for text in texts if text != OTHER)
    often = sorted(counts, key=lambda value: (-counts[value], value))[:MAXIMUM_VALUES]
    kept = sorted(value for value in often if counts[value] >= MINIMUM_EXAMPLES)
    named = {value: [p for p, text in enumerate(texts) if text == value] for value in kept}
    named[OTHER] = [place for place, text in enumerate(texts) if text not in kept]
    return large_enough(by, named)


def large_enough(by: str, named: dict[str, list[int]]) -> list[Slice]:
    return [
        Slice(by, value, sorted(members))
        for value, members in named.items()
        if len(members) >= MINIMUM_EXAMPLES
    ]
