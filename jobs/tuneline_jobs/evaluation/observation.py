"""Asking the models: what each answered, and how long single requests took.

Answers of an unchanged model are taken from a cache, by digest; speed is measured anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..data.prepared_dataset import Example
from ..runtime.job_specs import EvaluateSpec
from ..runtime.outcome import say
from ..runtime.process import compute_reproducibly, silence_libraries, use_best_threads
from ..runtime.tracking import Tracker
from .answer import Answer, Timing
from .cache import Progress, computed_path, remembered
from .evaluated_models import EvaluatedModel, distinct

if TYPE_CHECKING:
    from .generation import Answerer


class Observed(NamedTuple):
    """Of one model: its `answers` to the examples, and the `timings` of single requests."""

    answers: list[Answer]
    timings: list[Timing]


class Asks(Protocol):
    """Asks a loaded model more than the held-out examples."""

    def requests(self) -> int:
        """How many questions `ask` has for each model."""

    def ask(self, model: EvaluatedModel, answerer: Answerer, progressed: Progress) -> None: ...


def observe_all(
    spec: EvaluateSpec,
    models: dict[str, EvaluatedModel],
    examples: list[Example],
    others: Sequence[Asks],
    tracker: Tracker,
) -> dict[str, Observed]:
    """What each model did, by its digest: one that plays two roles is asked once."""
    timed = min(spec.latency_requests, len(examples))
    questions = len(examples) + timed + sum(other.requests() for other in others)
    done, total = 0, len(distinct(models)) * questions
    tracker.log_progress(done, total)

    def progressed(count: int) -> None:
        nonlocal done
        done += count
        say(f"answered {done}/{total}")
        tracker.log_progress(done, total)

    silence_libraries()
    use_best_threads()
    compute_reproducibly(spec.seed)
    return {
        model.digest: observe(spec, model, examples, others, progressed)
        for model in distinct(models)
    }


def observe(
    spec: EvaluateSpec,
    model: EvaluatedModel,
    examples: list[Example],
    others: Sequence[Asks],
    progressed: Progress,
) -> Observed:
    # Imported late: it brings torch, and a wrong model must fail at once.
    from .generation import Answerer

    say(f"Asking {model.uri}")
    answerer = Answerer(model.uri, "models")
    limit = spec.max_new_tokens
    key = [model.digest, spec.dataset.digest, spec.examples, spec.seed, limit]
    answers = remembered(
        computed_path(spec.cache, "answers", key),
        lambda: answerer.answer_all(examples, limit, progressed),
        progressed,
    )
    # Never from the cache: speeds compare only where the same machine was as busy.
    timings = answerer.time_requests(examples[: spec.latency_requests], limit, progressed)
    for other in others:
        other.ask(model, answerer, progressed)
    return Observed(answers, timings)
