"""Reading the rows of a data set: .jsonl, .json, .csv or .parquet files, or a data set of the hub."""

from __future__ import annotations

import csv
import hashlib
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runtime.job_specs import DataSource
from ..runtime.outcome import BadData, BadSpec, TryAgain
from ..runtime.storage import canonical, digest_of_file, digest_of_text, path_of

Row = dict[str, Any]

HUB = "hub:"


@dataclass(frozen=True)
class Source:
    """All rows of a data set, in its own order, and the digest of what they were read from."""

    uri: str
    digest: str
    rows: list[Row]


def read_source(data: DataSource) -> Source:
    """The rows that a spec's `data` refers to; raises BadSpec for a column they do not have."""
    uri = data.uri
    if uri.startswith(HUB):
        rows = read_hub(uri)
        source = Source(uri, digest_of_text(canonical(rows)), rows)
    else:
        path = path_of(uri, "data.uri")
        source = Source(uri, *read_file(path))
    if not source.rows:
        raise BadData(f"{uri}: holds no row; expected at least one.")
    require_columns(source.rows, data)
    return source


def read_file(path: Path) -> tuple[str, list[Row]]:
    readers = {".jsonl": read_jsonl, ".json": read_json, ".csv": read_csv, ".parquet": read_parquet}
    reader = readers.get(path.suffix)
    if reader is None:
        raise BadSpec(f"data.uri: expected a file named {', '.join(readers)}, got {path.name}.")
    if not path.is_file():
        raise BadData(f"data.uri: there is no file {path}.")
    try:
        rows = reader(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadData(f"{path}: can't be read as {path.suffix}, {error}.") from None
    return digest_of_file(path), rows


def read_jsonl(path: Path) -> list[Row]:
    rows: list[Row] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                rows.append(parse_object(line, f"{path}, line {number}"))
    return rows


def parse_object(text: str, place: str) -> Row:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadData(f"{place}: not JSON, {error}.") from None
    if not isinstance(value, dict):
        raise BadData(f"{place}: expected a JSON object with one field for each column.")
    return value


def read_json(path: Path) -> list[Row]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise BadData(f"{path}: not JSON, {error}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadData(f"{path}: expected a JSON array of objects.")
    return rows


def read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, restkey="", strict=True))


def read_parquet(path: Path) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise BadData(f"{path}: not a parquet file, {error}.") from None
    return rows


def read_hub(reference: str) -> list[Row]:
    """`hub:ORG/NAME` or `hub:ORG/NAME:SPLIT` (the split is `train` where none is named)."""
    from ..runtime.process import silence_libraries

    silence_libraries()
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    name, _, split = reference.removeprefix(HUB).partition(":")
    try:
        return [dict(row) for row in load_dataset(name, split=split or "train")]
    except DatasetNotFoundError as error:
        raise BadSpec(f"data.uri: {error}") from None
    except (ConnectionError, TimeoutError) as error:
        raise TryAgain(f"The hub can't be reached for {name}: {error}") from None


def require_columns(rows: list[Row], data: DataSource) -> None:
    there = list(rows[0])
    wanted = {f"data.input[{i}]": column for i, column in enumerate(data.input)}
    wanted["data.target"] = data.target
    if data.group is not None:
        wanted["data.group"] = data.group
    for field, column in wanted.items():
        if column not in there:
            raise BadSpec(f'{field}: no column "{column}"; there are {", ".join(there)}.')


def text_of(value: object) -> str:
    """A cell as text: missing is empty, text stays itself, anything else is written as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical(value)


def normalize(text: str) -> str:
    """Compose characters (Unicode NFC), drop invisible controls, and tidy white space line by line."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    visible = "".join(c for c in composed if c in "\n\t" or unicodedata.category(c) != "Cc")
    return "\n".join(" ".join(line.split()) for line in visible.split("\n")).strip()


def row_id(row: Row) -> str:
    """Names a row by its content, whatever its place in the file: 16 hex digits of its SHA-256."""
    return hashlib.sha256(canonical(row).encode()).hexdigest()[:16]
