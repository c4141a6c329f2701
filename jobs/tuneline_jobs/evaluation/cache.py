"""What models answered before, kept by digest: an unchanged model is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..runtime.storage import canonical, digest_of_text, path_of, write_json
from ..training.language_model import computed_on
from .metrics import METRICS_VERSION

# Hears how many questions were answered since the last call.
Progress = Callable[[int], None]

T = TypeVar("T")


def computed_path(cache: str | None, kind: str, key: list[Any]) -> Path | None:
    """`cache_path` for what a model computes: what another kind of processor computed is not used.

    Between one model's answers of a GPU and another's of a CPU a part of the difference would be
    rounding.
    """
    return cache_path(cache, kind, [computed_on(), *key])


def cache_path(cache: str | None, kind: str, key: list[Any]) -> Path | None:
    """Where what `key` names is kept, if it is to be kept."""
    if cache is None:
        return None
    name = digest_of_text(canonical([METRICS_VERSION, *key])).removeprefix("sha256:")
    return path_of(cache, "cache") / f"{kind}-{name}.json"


def remembered(path: Path | None, make: Callable[[], list[T]], progressed: Progress) -> list[T]:
    if path and path.is_file():
        kept: list[T] = json.loads(path.read_text())
        progressed(len(kept))
        return kept
    made = make()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, made)
    return made
