"""Profile raw data before anything is made of it: what is there, and what would spoil a training.

The same data and spec give the same profile and report, byte for byte.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from ..data.near_duplicates import near_duplicate_clusters
from ..data.personal_data import KINDS, redact
from ..data.prepared_dataset import drawn
from ..data.profile import (
    Column,
    Distribution,
    Duplicates,
    Hits,
    Leakage,
    Lengths,
    Profile,
    Repeat,
    Targets,
)
from ..data.profile_report import render_report
from ..data.prompt_injection import PHRASES, find_injections
from ..data.rows import Source, normalize, read_source, text_of
from ..runtime.job_specs import ExploreSpec
from ..runtime.outcome import say, succeeded
from ..runtime.storage import output, output_folder, write_json, write_text
from ..runtime.tracking import stage_tracker
from ..suites.suite import SUITES, Suites, check_suites
from ..training.language_model import load_token_counter

# Enough rows to look at; the counts beside them are complete.
ROWS_SHOWN = 20
HISTOGRAM_BINS = 20


def run(spec: ExploreSpec, known_suites: Suites = SUITES) -> dict[str, object]:
    """Write profile.json and report.html to the output folder. Row numbers count from 1."""
    tracker = stage_tracker(spec)
    folder = output_folder(spec.output)
    check_suites(spec, known_suites)
    source = read_source(spec.data)
    profile = make_profile(spec, source)
    write_json(folder / "profile.json", profile)
    write_text(folder / "report.html", render_report(profile))
    figures = figures_of(profile)
    for name, value in figures.items():
        say(f"{name}: {value}")
    name = Path(source.uri).stem
    tracker.log_dataset(name, source.digest, source.uri, "source", {"rows": len(source.rows)})
    tracker.log_metrics({f"explore/{key}": value for key, value in figures.items()})
    for file in ("profile.json", "report.html"):
        tracker.log_artifact(folder / file)
    tracker.close()
    outputs = {
        "profile": output(folder / "profile.json"),
        "report": output(folder / "report.html"),
    }
    return succeeded(outputs, figures)


def make_profile(spec: ExploreSpec, source: Source) -> Profile:
    data = spec.data
    rows = source.rows
    inputs = ["\n".join(normalize(text_of(row.get(c))) for c in data.input) for row in rows]
    targets = [normalize(text_of(row.get(data.target))) for row in rows]
    exact = first_of_same(inputs)
    near = near_duplicate_clusters(inputs)
    groups = [text_of(row.get(data.group)) for row in rows] if data.group is not None else None
    texts = [f"{text}\n{target}" for text, target in zip(inputs, targets, strict=True)]
    return {
        "schema": 1,
        "source": {"uri": source.uri, "digest": source.digest},
        "rows": len(rows),
        "columns": columns_of(source),
        "lengths": lengths_of(spec, inputs, targets),
        "exactDuplicates": duplicates(exact),
        "nearDuplicates": duplicates(
            [e if e != i else near[i] for i, e in enumerate(exact)], exact
        ),
        "leakage": leakage(spec, groups, near),
        "personalData": hits([redact(text)[1].keys() for text in texts], KINDS),
        "promptInjection": hits([find_injections(text).keys() for text in texts], PHRASES),
        "targets": repetition(targets),
    }


def columns_of(source: Source) -> dict[str, Column]:
    names = {name: None for row in source.rows for name in row}
    return {
        name: {
            "missing": sum(row.get(name) is None for row in source.rows),
            "empty": sum(
                row.get(name) is not None and not text_of(row[name]).strip() for row in source.rows
            ),
        }
        for name in names
    }


def lengths_of(spec: ExploreSpec, inputs: list[str], targets: list[str]) -> Lengths:
    tokenizer = load_token_counter(spec.base_model, "baseModel")
    asked, answered = (
        [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
        for texts in (inputs, targets)
    )
    together = [a + b for a, b in zip(asked, answered, strict=True)]
    return {
        "inputCharacters": distribution([len(text) for text in inputs]),
        "targetCharacters": distribution([len(text) for text in targets]),
        "inputTokens": distribution(asked),
        "targetTokens": distribution(answered),
        "maxTokens": spec.max_tokens,
        "aboveMaxTokens": sum(n > spec.max_tokens for n in together) / len(together),
    }


def distribution(values: list[int]) -> Distribution:
    ordered = sorted(values)
    width = max(1, -(-(ordered[-1] + 1) // HISTOGRAM_BINS))
    bins = Counter(value // width for value in values)
    p5, p50, p95 = (ordered[-(-percent * len(ordered) // 100) - 1] for percent in (5, 50, 95))
    return {
        "p5": p5,
        "p50": p50,
        "p95": p95,
        "max": ordered[-1],
        "binWidth": width,
        "histogram": [bins[i] for i in range(max(bins) + 1)],
    }


def first_of_same(texts: list[str]) -> list[int]:
    """For each text the index of the first one that is equal to it."""
    first: dict[str, int] = {}
    return [first.setdefault(text, index) for index, text in enumerate(texts)]


def duplicates(firsts: list[int], known: list[int] | None = None) -> Duplicates:
    """The rows that repeat an earlier one, less those `known` to repeat one already."""
    pairs: list[Repeat] = [
        {"row": index + 1, "first": first + 1}
        for index, first in enumerate(firsts)
        if first != index and (known is None or known[index] == index)
    ]
    return {"count": len(pairs), "examples": pairs[:ROWS_SHOWN]}


def leakage(spec: ExploreSpec, groups: list[str] | None, near: list[int]) -> Leakage:
    order = sorted(range(len(near)), key=lambda row: drawn(spec.seed, str(row)))
    held_out = set(order[: spec.held_out_examples])
    clusters = on_both_sides([str(first) for first in near], held_out)
    found: Leakage = {"nearDuplicateClusters": len(clusters)}
    if groups is not None:
        leaking = on_both_sides(groups, held_out)
        found |= {
            "groups": len(set(groups)),
            "largestGroup": max(Counter(groups).values()),
            "leakingGroups": len(leaking),
            "examples": leaking[:ROWS_SHOWN],
        }
    return found


def on_both_sides(names: list[str], held_out: set[int]) -> list[str]:
    sides: dict[str, set[bool]] = defaultdict(set)
    for row, name in enumerate(names):
        sides[name].add(row in held_out)
    return sorted(name for name, both in sides.items() if len(both) == 2)


def hits(found: list[Collection[str]], kinds: Iterable[str]) -> dict[str, Hits]:
    """The hits of each kind, from the kinds that each row has."""
    rows = {kind: [i for i, names in enumerate(found, 1) if kind in names] for kind in kinds}
    return {
        kind: {"count": len(numbers), "rows": numbers[:ROWS_SHOWN]}
        for kind, numbers in rows.items()
    }


def repetition(targets: list[str]) -> Targets:
    """How evenly the targets are spread: few of them, often repeated, are labels."""
    counts = Counter(targets)
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "distinct": len(counts),
        "repeated": sum(count - 1 for count in counts.values()),
        "mostCommon": [
            {"text": text, "count": count} for text, count in common[:ROWS_SHOWN] if count > 1
        ],
    }


def figures_of(profile: Profile) -> dict[str, float]:
    figures: dict[str, float] = {
        "rows": profile["rows"],
        "exactDuplicates": profile["exactDuplicates"]["count"],
        "nearDuplicates": profile["nearDuplicates"]["count"],
        "nearDuplicateClustersOnBothSides": profile["leakage"]["nearDuplicateClusters"],
        "personalDataHits": sum(kind["count"] for kind in profile["personalData"].values()),
        "promptInjectionHits": sum(kind["count"] for kind in profile["promptInjection"].values()),
        "aboveMaxTokens": profile["lengths"]["aboveMaxTokens"],
        "repeatedTargets": profile["targets"]["repeated"],
    }
    if "leakingGroups" in profile["leakage"]:
        figures["leakingGroups"] = profile["leakage"]["leakingGroups"]
    return figures
