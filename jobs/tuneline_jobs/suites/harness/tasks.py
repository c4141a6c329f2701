"""Tasks of lm-evaluation-harness: looked up by name, and loaded with the data that they ask about."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ...runtime.job_specs import Artifact
from ...runtime.outcome import BadData, BadSpec, TryAgain
from ...runtime.process import silence_libraries
from ...runtime.storage import digest_of_folder, path_of

FIELD = "evaluate.harness.tasks"


class HarnessTask(NamedTuple):
    """A task by its name, and as lm-eval has it once its data is there."""

    name: str
    task: Any


def find_tasks(names: list[str], include_path: Artifact | None) -> dict[str, Any]:
    """By the name of each task lm-eval's TaskManager that knows it; raises BadSpec where none does."""
    silence_libraries()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager

    folder = own_folder(include_path)
    own = TaskManager(include_path=str(folder), include_defaults=False) if folder else None
    found: dict[str, Any] = {}
    for name in names:
        # A team's own is meant where there are two of a name.
        managers = [own] if own and name in own.all_tasks else [own, tasks_of_lm_eval()]
        found[name] = find_task(name, [manager for manager in managers if manager])
    return found


@cache
def tasks_of_lm_eval() -> Any:
    """Thousands of files, read only where one of them is meant: it takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager()


def find_task(name: str, managers: list[Any]) -> Any:
    for manager in managers:
        if name in manager.all_subtasks:
            return manager
        if name in manager.all_tasks:
            raise BadSpec(
                f"{FIELD}: {name} is a group; expected its tasks, by their own names "
                '("lm-eval ls subtasks" lists them).'
            )
    known = [task for manager in managers for task in manager.all_subtasks]
    near = difflib.get_close_matches(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else "lm-eval knows none like it."
    raise BadSpec(f"{FIELD}: there is no task {name}; {hint}")


def load_tasks(names: list[str], include_path: Artifact | None) -> list[HarnessTask]:
    """The tasks with their documents, from the hub or from files."""
    found = find_tasks(names, include_path)
    with working_in(own_folder(include_path)):
        return [HarnessTask(name, load_task(name, manager)) for name, manager in found.items()]


def load_task(name: str, manager: Any) -> Any:
    with failing_clearly(name):
        task = manager.load([name])["tasks"][name]
    if getattr(task, "UNSAFE_CODE", False):
        raise BadSpec(f"{FIELD}: {name} runs code that a model wrote, which a Job does not.")
    if getattr(task, "MULTIMODAL", False):
        raise BadSpec(f"{FIELD}: {name} asks about more than text; expected tasks of text alone.")
    if task.get_config("num_fewshot") is None:
        task.set_config("num_fewshot", 0)
    return task


def documents_of(found: HarnessTask, limit: int | None) -> int:
    """How many documents a run of the task asks about."""
    there = len(found.task.eval_docs)
    return min(there, limit or there)


@contextmanager
def failing_clearly(name: str) -> Iterator[None]:
    """Tell a hub that can't be reached, data that is not there, and a task that is wrong."""
    from datasets.exceptions import DatasetNotFoundError

    try:
        yield
    except DatasetNotFoundError as error:
        raise BadSpec(f"{FIELD}: the data of {name} is not there, {first_line(error)}") from None
    except (ConnectionError, TimeoutError) as error:
        raise TryAgain(f"The data of {name} can't be fetched, {first_line(error)}") from None
    except FileNotFoundError as error:
        raise BadData(f"The data of {name} is not there, {first_line(error)}") from None
    except Exception as error:
        # A task is a program: what it raises, whoever wrote it has to mend.
        kind = type(error).__name__
        raise BadSpec(f"{FIELD}: {name} can't be loaded, {kind}: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def own_folder(expected: Artifact | None) -> Path | None:
    """The folder of the team's own tasks, which must be what was meant; None where there is none."""
    if expected is None:
        return None
    folder = path_of(expected.uri, "harness.includePath.uri")
    found = digest_of_folder(folder) if folder.is_dir() else "nothing"
    if found != expected.digest:
        raise BadData(f"{folder} holds {found}, expected the tasks with {expected.digest}.")
    return folder


@contextmanager
def working_in(folder: Path | None) -> Iterator[None]:
    """Paths that a task names count from the folder, and nothing is left behind in it."""
    before, writes = os.getcwd(), sys.dont_write_bytecode
    try:
        os.chdir(folder or before)
        sys.dont_write_bytecode = True
        yield
    finally:
        os.chdir(before)
        sys.dont_write_bytecode = writes
