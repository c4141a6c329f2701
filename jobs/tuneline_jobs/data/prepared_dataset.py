"""The folder that `prepare` writes and `tune` and `evaluate` read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

from typing_extensions import NotRequired, TypedDict

from ..runtime.job_specs import Artifact
from ..runtime.outcome import BadData
from ..runtime.storage import digest_of_file, digest_of_text, path_of, read_json_lines

TRAIN = "train.jsonl"
HELD_OUT = "heldout.jsonl"
MANIFEST = "dataset.json"


class Example(TypedDict):
    """A line of train.jsonl or heldout.jsonl.

    `source` is the number of its row in the raw data, from 1. Examples of one `group` are on one side of
    the split. A held-out example has the `columns` that the spec keeps.
    """

    id: str
    prompt: str
    completion: str
    group: str
    source: int
    columns: NotRequired[dict[str, str]]


def digest_of_dataset(folder: Path) -> str:
    """SHA-256 over the digests of the two files of examples, in this order: train, held out."""
    return digest_of_text(
        f"{digest_of_file(folder / TRAIN)}\n{digest_of_file(folder / HELD_OUT)}\n"
    )


def read_examples(dataset: Artifact, name: str) -> list[Example]:
    """The examples in the file `name`; raises BadData unless the whole dataset has its digest."""
    folder = path_of(dataset.uri, "dataset.uri")
    for file in (TRAIN, HELD_OUT):
        if not (folder / file).is_file():
            raise BadData(f"dataset.uri: there is no {file} in {folder}.")
    digest = digest_of_dataset(folder)
    if digest != dataset.digest:
        raise BadData(
            f"dataset.digest: {folder} holds {digest}, expected {dataset.digest}; "
            "prepare the data again."
        )
    return cast(list[Example], read_json_lines(folder / name))


def drawn(seed: int, name: str) -> str:
    """A place in a shuffled order that depends on the seed and the name alone, not on the other rows."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
