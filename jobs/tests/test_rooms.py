"""The rooms of the package build on each other in one order, lazy imports included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tuneline_jobs"
# Each may import from itself and from those before it.
ROOMS = ["runtime", "data", "training", "evaluation", "suites", "stages"]
MOST_FILES = 25
GENERATED = {"job_specs.py"}


def imports_of(path: Path) -> Iterator[str]:
    """The rooms that a module imports from, wherever it does so."""
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            yield [*base, *(node.module or "").split(".")][0]


def test_no_room_imports_from_a_later_one() -> None:
    for place, room in enumerate(ROOMS):
        for path in (PACKAGE / room).rglob("*.py"):
            later = set(imports_of(path)) & set(ROOMS[place + 1 :])
            assert not later, f"{path.relative_to(PACKAGE)} imports from {', '.join(later)}"


def test_every_module_of_a_room_is_short_and_no_room_is_full() -> None:
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        modules = list(folder.glob("*.py"))
        assert len(modules) <= MOST_FILES, folder
        for module in modules:
            lines = len(module.read_text().splitlines())
            assert lines <= 250 or module.name in GENERATED, module
