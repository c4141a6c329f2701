"""Asking the models: what each answered, and how long single requests took.

Answers of an unchanged model are taken from a cache, by digest; speed is measured anew each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..runtime.job_specs import EvaluateSpec
from ..runtime.outcome import say
from ..runtime.process import compute_reproducibly, silence_libraries, use_best_threads
from ..runtime.storage import canonical, digest_of_text, path_of, write_json
from ..runtime.tracking import Tracker
from ..suites.attacks.attacks import MAXIMUM_NEW_TOKENS
from ..suites.harness.tasks import HarnessTask, documents_of
from ..training.language_model import computed_on
from .evaluated_models import EvaluatedModel
from .metrics import METRICS_VERSION

if TYPE_CHECKING:
    from .generation import Answerer

Row = dict[str, Any]
Progress = Callable[[int], None]


class Observed(NamedTuple):
    """Of one model: its `answers` to the examples and to attacks, the `timings` of single requests, and by
    task of lm-evaluation-harness a row for each document."""

    answers: list[Row]
    attacked: list[str]
    timings: list[Row]
    tasks: dict[str, list[Row]]


class Questions(NamedTuple):
    """What every model is asked: the examples, the prompts of the attacks by their IDs, and tasks."""

    examples: list[Row]
    attacks: dict[str, str]
    tasks: list[HarnessTask]


def observe_all(
    spec: EvaluateSpec, models: dict[str, EvaluatedModel], asked: Questions, tracker: Tracker
) -> dict[str, Observed]:
    """What each model did, by its digest: one that plays two roles is asked once."""
    uris = {model.digest: model.uri for model in models.values()}
    timed = min(spec.latency_requests, len(asked.examples))
    limit = spec.harness.limit if spec.harness else None
    documents = sum(documents_of(task, limit) for task in asked.tasks)
    questions = len(asked.examples) + len(asked.attacks) + timed + documents
    done, total = 0, len(uris) * questions
    tracker.log_progress(done, total)

    def progressed(count: int) -> None:
        nonlocal done
        done += count
        say(f"answered {done}/{total}")
        tracker.log_progress(done, total)

    silence_libraries()
    use_best_threads()
    compute_reproducibly(spec.seed)
    return {digest: observe(spec, uri, digest, asked, progressed) for digest, uri in uris.items()}


def observe(
    spec: EvaluateSpec, uri: str, digest: str, asked: Questions, progressed: Progress
) -> Observed:
    # Only now: it brings torch, and a wrong model should be told of at once.
    from .generation import Answerer

    say(f"Asking {uri}")
    answerer = Answerer(uri, "models")
    limit = spec.max_new_tokens
    key = [digest, spec.dataset.digest, spec.examples, spec.seed, limit]
    answers = remembered(
        computed_path(spec.cache, "answers", key),
        lambda: answerer.answer_all(asked.examples, limit, progressed),
        progressed,
    )
    attacked = []
    if asked.attacks:
        attacked = remembered(
            computed_path(spec.cache, "attacks", [digest, asked.attacks, MAXIMUM_NEW_TOKENS]),
            lambda: answerer.answer_prompts(asked.attacks, MAXIMUM_NEW_TOKENS, progressed),
            progressed,
        )
    # Never from the cache: speeds compare only where the same machine was as busy.
    timings = answerer.time_requests(asked.examples[: spec.latency_requests], limit, progressed)
    tasks = run_tasks(spec, answerer, digest, asked.tasks, progressed)
    return Observed(answers, attacked, timings, tasks)


def run_tasks(
    spec: EvaluateSpec,
    answerer: Answerer,
    digest: str,
    tasks: list[HarnessTask],
    progressed: Progress,
) -> dict[str, list[Row]]:
    if not tasks or not spec.harness:
        return {}
    from ..suites.harness.runs import digest_of_task, run_task

    limit, seed = spec.harness.limit, spec.seed
    return {
        task.name: remembered(
            computed_path(
                spec.cache, "harness", [digest, digest_of_task(task, spec.harness), seed]
            ),
            partial(run_task, answerer, task, limit, seed),
            progressed,
        )
        for task in tasks
    }


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


def remembered(path: Path | None, make: Callable[[], list[Any]], progressed: Progress) -> list[Any]:
    if path and path.is_file():
        kept: list[Any] = json.loads(path.read_text())
        progressed(len(kept))
        return kept
    made = make()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, made)
    return made
