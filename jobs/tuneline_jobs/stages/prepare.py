"""Turn raw rows into the examples that a model is tuned and evaluated on.

Clean, redact personal data, drop what is empty or said before, split by group, render the prompt.
The same spec and data give the same files, byte for byte.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from typing_extensions import TypedDict

from ..data.near_duplicates import near_duplicate_clusters
from ..data.personal_data import KINDS, redact
from ..data.prepared_dataset import HELD_OUT, MANIFEST, TRAIN, Example, digest_of_dataset, drawn
from ..data.prompt_template import render, require_placeholders
from ..data.rows import Source, normalize, read_source, row_id, text_of
from ..runtime.job_specs import DataSource, PrepareSpec
from ..runtime.outcome import BadData, BadSpec, say, succeeded
from ..runtime.storage import (
    digest_of_file,
    output,
    output_folder,
    uri_of,
    write_json,
    write_json_lines,
)
from ..runtime.tracking import Tracker, stage_tracker
from ..training.language_model import encode, load_token_counter


class CleanRow(TypedDict):
    """A row with normalized, redacted text: `values` by input column, and the target as `completion`.

    `source` is the number of the row, from 1.
    """

    id: str
    values: dict[str, str]
    completion: str
    group: str
    source: int


def run(spec: PrepareSpec) -> dict[str, object]:
    """Write train.jsonl, heldout.jsonl and dataset.json to the output folder.

    A line is `{"id", "prompt", "completion", "group", "source"}`: `id` names the source row by its
    content, `source` is its number in the data, from 1, and `group` is its own ID where it has none.
    Held-out lines also have the `columns` of their row that `keepColumns` names, if it names any.
    """
    tracker = stage_tracker(spec)
    source = read_source(spec.data)
    require_kept_columns(source, spec)
    require_placeholders(spec.prompt.template, spec.data.input)
    counts: dict[str, int] = {"rows": len(source.rows)}
    rows = drop_duplicates(clean(source, spec.data, counts), counts)
    examples = render_all(rows, spec, counts)
    train, held_out = split(examples, spec, counts)
    keep_columns(held_out, source, spec)
    for name, count in counts.items():
        say(f"{name}: {count}")
    folder = output_folder(spec.output)
    digest = write_dataset(folder, spec, source, counts, train=train, held_out=held_out)
    report(tracker, folder, source, digest, counts)
    return succeeded({"dataset": output(folder, digest)}, dict(counts))


def require_kept_columns(source: Source, spec: PrepareSpec) -> None:
    there = list(source.rows[0])
    for column in spec.keep_columns or []:
        if column not in there:
            raise BadSpec(f'keepColumns: no column "{column}"; there are {", ".join(there)}.')


def keep_columns(held_out: list[Example], source: Source, spec: PrepareSpec) -> None:
    """What an example can be sliced by or rendered anew with, as clean as its prompt."""
    for example in held_out if spec.keep_columns is not None else []:
        row = source.rows[example["source"] - 1]
        kept = {name: clean_text(row.get(name))[0] for name in spec.keep_columns or []}
        example["columns"] = kept


def clean_text(cell: object) -> tuple[str, dict[str, int]]:
    """A cell's text, normalized and without personal data, and what was taken out of it."""
    return redact(normalize(text_of(cell)))


def clean(source: Source, data: DataSource, counts: dict[str, int]) -> list[CleanRow]:
    """The rows as clean text. Rows without an input or a target are dropped."""
    redacted: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    examples: list[CleanRow] = []
    for number, row in enumerate(source.rows, 1):
        texts = {}
        for column in [*data.input, data.target]:
            texts[column], found = clean_text(row.get(column))
            redacted.update(found)
        completion = texts[data.target]
        values = {column: texts[column] for column in data.input}
        if completion and any(values.values()):
            name = row_id(row)
            group = text_of(row.get(data.group)) if data.group is not None else ""
            examples.append(
                {
                    "id": name,
                    "values": values,
                    "completion": completion,
                    "group": group or name,
                    "source": number,
                }
            )
    counts["empty"] = len(source.rows) - len(examples)
    counts.update({f"redacted{kind.capitalize()}": n for kind, n in redacted.items()})
    return examples


def drop_duplicates(examples: list[CleanRow], counts: dict[str, int]) -> list[CleanRow]:
    """Keep the first of the examples whose inputs are the same, then of those nearly the same.

    The input alone decides: two answers to one question would otherwise end on both sides.
    """
    unique = list({input_text(example): example for example in reversed(examples)}.values())[::-1]
    counts["exactDuplicates"] = len(examples) - len(unique)
    firsts = near_duplicate_clusters([input_text(example) for example in unique])
    kept = [example for i, example in enumerate(unique) if firsts[i] == i]
    counts["nearDuplicates"] = len(unique) - len(kept)
    return kept


def input_text(example: CleanRow) -> str:
    return "\n".join(example["values"].values())


def render_all(
    examples: list[CleanRow], spec: PrepareSpec, counts: dict[str, int]
) -> list[Example]:
    """The examples with their prompt, less those that take more than `maxTokens` with their answer."""
    tokenizer = load_token_counter(spec.base_model, "baseModel")
    rendered: list[Example] = []
    for example in examples:
        prompt = render(spec.prompt.template, example["values"])
        asked, answer = encode(tokenizer, prompt, example["completion"])
        if len(asked) + len(answer) <= spec.max_tokens:
            rendered.append(
                {
                    "id": example["id"],
                    "prompt": prompt,
                    "completion": example["completion"],
                    "group": example["group"],
                    "source": example["source"],
                }
            )
    counts["tooLong"] = len(examples) - len(rendered)
    return rendered


def split(
    examples: list[Example], spec: PrepareSpec, counts: dict[str, int]
) -> tuple[list[Example], list[Example]]:
    """Whole groups to one side or the other, drawn by the seed; at most `heldOutExamples` held out.

    Near duplicates are gone by now, so a group is all that could leak from one side to the other.
    """
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example["group"], []).append(example)
    train: list[Example] = []
    held_out: list[Example] = []
    for name in sorted(groups, key=lambda group: drawn(spec.seed, group)):
        fits = len(held_out) + len(groups[name]) <= spec.held_out_examples
        (held_out if fits else train).extend(groups[name])
    if not train or not held_out:
        raise BadData(
            f"data: {len(examples)} usable rows in {len(groups)} groups can't be split into "
            f"{spec.held_out_examples} held out and the rest to train on; add rows, or hold out "
            f"{'fewer' if not train else 'more'}."
        )
    train.sort(key=lambda example: drawn(spec.seed, example["id"]))
    train = train[: spec.train_examples]
    held_out.sort(key=lambda example: str(example["id"]))
    counts.update(groups=len(groups), train=len(train), heldOut=len(held_out))
    return train, held_out


def write_dataset(
    folder: Path,
    spec: PrepareSpec,
    source: Source,
    counts: dict[str, int],
    *,
    train: list[Example],
    held_out: list[Example],
) -> str:
    """Write the three files and return the digest of the dataset."""
    write_json_lines(folder / TRAIN, train)
    write_json_lines(folder / HELD_OUT, held_out)
    digest = digest_of_dataset(folder)
    manifest = {
        "schema": 1,
        "digest": digest,
        "files": {name: digest_of_file(folder / name) for name in (TRAIN, HELD_OUT)},
        "source": {"uri": source.uri, "digest": source.digest},
        "prompt": {"name": spec.prompt.name, "version": spec.prompt.version},
        "seed": spec.seed,
        "counts": counts,
    }
    write_json(folder / MANIFEST, manifest)
    return digest


def report(
    tracker: Tracker, folder: Path, source: Source, digest: str, counts: dict[str, int]
) -> None:
    name = Path(source.uri).stem
    tracker.log_dataset(name, source.digest, source.uri, "source", {"rows": counts["rows"]})
    tracker.log_dataset(f"{name}-prepared", digest, uri_of(folder), "prepared", counts)
    tracker.log_metrics({f"prepare/{key}": value for key, value in counts.items()})
    tracker.log_artifact(folder / MANIFEST)
    tracker.close()
