"""Asking a model what tasks of lm-evaluation-harness ask, and how each document scored.

What is said is as lm-eval says it, prompts included. Of a metric whose aggregation is a mean every document's
score is kept, so that two models are compared document by document; another says nothing of one document.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import random
import re
from typing import Any

import numpy as np
import torch
from lm_eval.api.registry import get_aggregation
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM

from ...evaluation.generation import Answerer
from ...runtime.job_specs import EvaluateHarnessSettings
from ...runtime.outcome import say
from ...runtime.storage import canonical, digest_of_text
from ...runtime.watchdog import work_was_finished
from ..suite_scores import Directions, Scores
from .tasks import HarnessTask

PREFIX = "harness"
# lm-eval keeps what every token of a batch might have been: gigabytes, where contexts are long.
BATCH = 4

Row = dict[str, Any]


class WatchedModel(HFLM):  # type: ignore[misc]
    """lm-eval's model, of which the watchdog hears batch by batch, and a log no progress bars."""

    def generate_until(self, requests: Any, **_: Any) -> Any:
        return super().generate_until(requests, disable_tqdm=True)

    def loglikelihood(self, requests: Any, **_: Any) -> Any:
        return super().loglikelihood(requests, disable_tqdm=True)

    def loglikelihood_rolling(self, requests: Any, **_: Any) -> Any:
        return super().loglikelihood_rolling(requests, disable_tqdm=True)

    def _loglikelihood_tokens(self, requests: Any, **more: Any) -> Any:
        return super()._loglikelihood_tokens(requests, **{**more, "disable_tqdm": True})

    def _model_call(self, *args: Any, **more: Any) -> Any:
        work_was_finished()
        return super()._model_call(*args, **more)

    def _model_generate(self, *args: Any, **more: Any) -> Any:
        work_was_finished()
        return super()._model_generate(*args, **more)


def run_task(answerer: Answerer, found: HarnessTask, limit: int | None, seed: int) -> list[Row]:
    """For each document its `id`, `target`, `answers` by filter, and `scores` by figure."""
    name, task = found
    say(f"Running the task {name}")
    lm = WatchedModel(answerer.model, tokenizer=answerer.tokenizer, batch_size=BATCH)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    task.set_fewshot_seed(seed)
    result = evaluate(lm, {"tasks": {name: task}}, limit=limit, bootstrap_iters=0)
    samples, means = result["samples"][name], averaged(task)
    others = {metric for sample in samples for metric in sample["metrics"]} - means
    if others:
        say(f"{name}: {', '.join(sorted(others))} left out, no mean over documents.")
    rows = rows_of(name, samples, means)
    for figure in sorted(
        {figure for row in rows for figure in row["scores"]} - set(scores_of(rows))
    ):
        say(f"{figure} left out, not every document has one.")
    return rows


def rows_of(task: str, samples: list[Row], metrics: set[str]) -> list[Row]:
    """One row for each document of what is one sample for each of its filters."""
    rows: dict[str, Row] = {}
    for sample in samples:
        case = f"{sample['doc_id']}-{sample['doc_hash'][:12]}"
        row = rows.setdefault(
            case, {"id": case, "target": str(sample["target"]), "answers": {}, "scores": {}}
        )
        row["answers"][sample["filter"]] = str(sample["filtered_resps"])
        for metric in metrics & set(sample["metrics"]):
            value = float(sample[metric])
            if math.isfinite(value):
                row["scores"][figure_name(task, metric, sample["filter"])] = value
    return list(rows.values())


def scores_of(rows: list[Row]) -> Scores:
    """By figure, what each document scored; one that not every document has is none of the whole."""
    names = set.intersection(*(set(row["scores"]) for row in rows))
    return {name: {row["id"]: row["scores"][name] for row in rows} for name in sorted(names)}


def directions_of(tasks: list[HarnessTask], figures: set[str]) -> Directions:
    """Which way is better, of the figures whose task says so."""
    known = {
        figure_name(name, metric): "higher" if better else "lower"
        for name, task in tasks
        for metric, better in task.higher_is_better().items()
        if isinstance(better, bool)
    }
    by_metric = {name: "/".join(name.split("/")[:3]) for name in figures}
    return {name: known[metric] for name, metric in by_metric.items() if metric in known}


def averaged(task: Any) -> set[str]:
    return {name for name, made in task.aggregation().items() if made is get_aggregation("mean")}


def figure_name(task: str, metric: str, chosen_by: str = "none") -> str:
    """`harness/TASK/METRIC`, and `/FILTER` where the answer is picked out of what was said."""
    parts = [task, metric] if chosen_by == "none" else [task, metric, chosen_by]
    return "/".join([PREFIX, *(re.sub(r"[^\w.-]", "_", part) for part in parts)])


def digest_of_task(found: HarnessTask, harness: EvaluateHarnessSettings) -> str:
    """Over whatever a run of the task depends on but for the model and the seed."""
    task, limit = found.task, harness.limit
    asked = list(task.doc_iterator(rank=0, limit=limit, world_size=1))
    shown = list(task.fewshot_docs() or []) if task.get_config("num_fewshot") else []
    # A function by its name: its code is in the folder, or of lm-eval's version.
    config = json.dumps(
        task.dump_config(), sort_keys=True, default=lambda v: getattr(v, "__qualname__", str(v))
    )
    version = importlib.metadata.version("lm_eval")
    own = harness.include_path.digest if harness.include_path else None
    return digest_of_text(canonical([version, found.name, config, own, limit, asked, shown]))
