"""The shape of the profile that explore writes to profile.json. Row numbers count from 1."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict


class SourceFacts(TypedDict):
    uri: str
    digest: str


class Column(TypedDict):
    """How many rows lack the column or hold null, and how many hold blank text."""

    missing: int
    empty: int


class Distribution(TypedDict):
    """Nearest-rank percentiles. `histogram[i]` counts the values from `i * binWidth` on."""

    p5: int
    p50: int
    p95: int
    max: int
    binWidth: int
    histogram: list[int]


class Lengths(TypedDict):
    """Tokens are those of the base model. `aboveMaxTokens` is a share of the rows, 0 to 1."""

    inputCharacters: Distribution
    targetCharacters: Distribution
    inputTokens: Distribution
    targetTokens: Distribution
    maxTokens: int
    aboveMaxTokens: float


class Repeat(TypedDict):
    """A row, and the first row that it repeats."""

    row: int
    first: int


class Duplicates(TypedDict):
    count: int
    examples: list[Repeat]


class Leakage(TypedDict):
    """What a split by rows would put on both sides. Only data with a group column has the last four."""

    nearDuplicateClusters: int
    groups: NotRequired[int]
    largestGroup: NotRequired[int]
    leakingGroups: NotRequired[int]
    examples: NotRequired[list[str]]


class Hits(TypedDict):
    """How many rows have one kind of finding, and the numbers of the first of these rows."""

    count: int
    rows: list[int]


class TextCount(TypedDict):
    text: str
    count: int


class Targets(TypedDict):
    """`repeated` counts the rows whose target an earlier row has."""

    distinct: int
    repeated: int
    mostCommon: list[TextCount]


class Profile(TypedDict):
    schema: int
    source: SourceFacts
    rows: int
    columns: dict[str, Column]
    lengths: Lengths
    exactDuplicates: Duplicates
    nearDuplicates: Duplicates
    leakage: Leakage
    personalData: dict[str, Hits]
    promptInjection: dict[str, Hits]
    targets: Targets
