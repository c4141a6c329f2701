"""Reads what W&B keeps of a run on disk: a LevelDB log of protobuf records."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

BLOCK = 32768
HEADER = struct.Struct("<IHB")
FILE_HEADER = 7


class WandbRecord:
    """One run: its ID, its `config`, the `curves` as {name: [(step, value)]}, and its `summary`."""

    def __init__(self, folder: Path) -> None:
        (path,) = folder.rglob("*.wandb")
        self.id = ""
        self.project = ""
        self.config: dict[str, Any] = {}
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.summary: dict[str, Any] = {}
        from wandb.proto.wandb_internal_pb2 import Record

        for content in records(path.read_bytes()):
            self.take(Record.FromString(content))

    def take(self, record: Any) -> None:
        kind = record.WhichOneof("record_type")
        if kind == "run":
            self.id, self.project = record.run.run_id, record.run.project
            self.config |= values_of(record.run.config.update)
        elif kind == "config":
            self.config |= values_of(record.config.update)
        elif kind == "summary":
            self.summary |= values_of(record.summary.update)
        elif kind == "history":
            for name, value in values_of(record.history.item).items():
                self.curves.setdefault(name, []).append((record.history.step.num, value))


def values_of(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def records(content: bytes) -> list[bytes]:
    """The payloads of a LevelDB log: one may be spread over blocks (types 2, 3, 4), or be whole (1)."""
    found: list[bytes] = []
    parts: list[bytes] = []
    at = FILE_HEADER
    while at + HEADER.size <= len(content):
        if BLOCK - at % BLOCK < HEADER.size:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = HEADER.unpack_from(content, at)
        parts.append(content[at + HEADER.size : at + HEADER.size + length])
        at += HEADER.size + length
        if kind in (1, 4):
            found.append(b"".join(parts))
            parts = []
    return found
