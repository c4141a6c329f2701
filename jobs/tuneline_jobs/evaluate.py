"""Judge a candidate, its base and the champion on the same held-out examples.

Every figure comes with a confidence interval, and so does every difference from the candidate. The
same evaluation made twice gives the same quality figures; speed is measured anew each time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .evidence import judge
from .judged_models import check_models
from .observation import observe_all
from .outcome import succeeded
from .prepared_dataset import HELD_OUT, read_examples
from .storage import output, output_folder, write_json_lines, write_text
from .tracking import Tracker, stage_tracker

HEADLINES = ("bleu", "rougeL", "perplexity", "latencyP95Ms", "attackSuccessRate")

Spec = dict[str, Any]


def run(spec: Spec) -> dict[str, object]:
    """Write evidence.json and per-example.jsonl to the output folder."""
    tracker = stage_tracker(spec)
    models = check_models(spec)
    examples = read_examples(spec["dataset"], HELD_OUT)
    examples = sorted(examples, key=lambda example: str(example["id"]))[: spec["examples"]]
    observed = observe_all(spec, models, examples, tracker)
    evidence, table = judge(spec, models, examples, observed)
    folder = output_folder(spec)
    # One line: thousands of quantiles would fill as many.
    write_text(folder / "evidence.json", json.dumps(evidence, ensure_ascii=False, allow_nan=False))
    write_json_lines(folder / "per-example.jsonl", table)
    figures = report(tracker, folder, evidence)
    outputs = {
        "evidence": output(folder / "evidence.json"),
        "examples": output(folder / "per-example.jsonl"),
    }
    return succeeded(outputs, figures)


def report(tracker: Tracker, folder: Path, evidence: dict[str, Any]) -> dict[str, float]:
    """Log every metric of every model as `role/metric`; returns the headline figures."""
    points = {
        f"{role}/{name}": interval["point"]
        for role, model in evidence["models"].items()
        for name, interval in model["metrics"].items()
    }
    tracker.log_metrics(points)
    dataset = evidence["dataset"]
    tracker.log_parameters({"dataset": dataset["digest"], "examples": dataset["examples"]})
    for name in ("evidence.json", "per-example.jsonl"):
        tracker.log_artifact(folder / name)
    tracker.close()
    return {name: value for name, value in points.items() if name.rpartition("/")[2] in HEADLINES}
