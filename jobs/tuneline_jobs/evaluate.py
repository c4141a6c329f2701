"""Judge a candidate, its base and the champion on the same held-out examples.

Every figure comes with a bootstrap interval, and so does every difference from the candidate. The
same evaluation made twice gives the same quality figures; speed is measured anew each time.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .language_model import silence_libraries
from .outcome import BadData, BadSpec, say, succeeded
from .prepared_dataset import HELD_OUT, read_examples
from .process import use_best_threads
from .rows import canonical
from .storage import (
    digest_of_folder,
    output,
    output_folder,
    path_of,
    write_json,
    write_json_lines,
)
from .tracking import Tracker, stage_tracker

CANDIDATE = "candidate"
HEADLINES = ("bleu", "rougeL", "perplexity", "latencyP95Ms")

Spec = dict[str, Any]
# What was observed of one model: its `answers` to the examples, and `timings` of single requests.
Observed = dict[str, list[dict[str, Any]]]


def run(spec: Spec) -> dict[str, object]:
    """Write evidence.json and per-example.jsonl to the output folder."""
    tracker = stage_tracker(spec)
    models = check_models(spec)
    examples = read_examples(spec["dataset"], HELD_OUT)
    examples = sorted(examples, key=lambda example: str(example["id"]))[: spec["examples"]]
    observed = observe_all(spec, models, examples, tracker)
    evidence, table = judge(spec, models, examples, observed)
    folder = output_folder(spec)
    write_json(folder / "evidence.json", evidence)
    write_json_lines(folder / "per-example.jsonl", table)
    figures = report(tracker, folder, evidence)
    outputs = {
        "evidence": output(folder / "evidence.json"),
        "examples": output(folder / "per-example.jsonl"),
    }
    return succeeded(outputs, figures)


def check_models(spec: Spec) -> dict[str, dict[str, str]]:
    """The models by role, each with the digest of what is there, which must be what was expected."""
    models: dict[str, dict[str, str]] = {}
    for index, model in enumerate(spec["models"]):
        role = model["role"]
        if role in models:
            raise BadSpec(f"models[{index}].role: there is a {role} already; expected one of each.")
        digest = digest_of_model(model["uri"], f"models[{index}].uri")
        if model.get("digest", digest) != digest:
            raise BadData(
                f"models[{index}].digest: {model['uri']} holds {digest}, "
                f"expected {model['digest']}; it is not the model that was meant."
            )
        models[role] = {"uri": model["uri"], "digest": digest}
    if CANDIDATE not in models:
        raise BadSpec("models: there is no candidate; expected one model with that role.")
    return models


def digest_of_model(uri: str, field: str) -> str:
    """The digest of a model's folder; the name of a model on the hub has to do for its own."""
    if "://" not in uri:
        return "sha256:" + hashlib.sha256(uri.encode()).hexdigest()
    folder = path_of(uri, field)
    if not folder.is_dir():
        raise BadData(f"{field}: there is no folder {folder}.")
    return digest_of_folder(folder)


def observe_all(
    spec: Spec, models: dict[str, dict[str, str]], examples: list[dict[str, Any]], tracker: Tracker
) -> dict[str, Observed]:
    """What each model did, by its digest: one that plays two roles is asked once."""
    digests = {model["digest"]: model["uri"] for model in models.values()}
    done, total = 0, len(digests) * (len(examples) + min(spec["latencyRequests"], len(examples)))
    tracker.log_progress(done, total)

    def progressed(count: int) -> None:
        nonlocal done
        done += count
        say(f"answered {done}/{total}")
        tracker.log_progress(done, total)

    silence_libraries()
    use_best_threads()
    return {
        digest: observe(spec, uri, digest, examples, progressed) for digest, uri in digests.items()
    }


def observe(
    spec: Spec,
    uri: str,
    digest: str,
    examples: list[dict[str, Any]],
    progressed: Callable[[int], None],
) -> Observed:
    generation = importlib.import_module(".generation", __package__)
    say(f"Asking {uri}")
    answerer = generation.Answerer(uri, "models", spec["maxNewTokens"])
    cached = cache_path(spec, digest)
    if cached and cached.is_file():
        answers = json.loads(cached.read_text())
        progressed(len(answers))
    else:
        answers = answerer.answer_all(examples, progressed)
        if cached:
            cached.parent.mkdir(parents=True, exist_ok=True)
            write_json(cached, answers)
    # Never from the cache: speeds compare only where the same machine was as busy.
    timings = answerer.time_requests(examples[: spec["latencyRequests"]], progressed)
    return {"answers": answers, "timings": timings}


def cache_path(spec: Spec, model_digest: str) -> Path | None:
    """Where the answers of this model to these examples are kept, if they are to be kept."""
    if "cache" not in spec:
        return None
    from .metrics import METRICS_VERSION

    key = [model_digest, spec["dataset"]["digest"], METRICS_VERSION]
    key += [spec[field] for field in ("examples", "maxNewTokens", "seed")]
    name = hashlib.sha256(canonical(key).encode()).hexdigest()
    return path_of(spec["cache"], "cache") / f"answers-{name}.json"


def judge(
    spec: Spec,
    models: dict[str, dict[str, str]],
    examples: list[dict[str, Any]],
    observed: dict[str, Observed],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The evidence, and for each example what every model said and how that scored."""
    from .bootstrap import LEVELS, Measured, difference, draw, figure
    from .metrics import quality_metrics, speed_metrics

    references = [example["completion"] for example in examples]
    table = [{"id": e["id"], "prompt": e["prompt"], "reference": e["completion"]} for e in examples]
    signatures: dict[str, str] = {}
    measured: dict[str, dict[str, Measured]] = {}
    for role, model in models.items():
        answers, timings = (observed[model["digest"]][key] for key in ("answers", "timings"))
        quality, rows, signatures = quality_metrics(answers, references)
        for entry, answer, row in zip(table, answers, rows, strict=True):
            entry[role] = {
                "answer": answer["text"],
                **row,
                "nll": answer["nll"],
                "tokens": answer["tokens"],
            }
        by_example = draw(len(examples), spec["bootstrapSamples"], spec["seed"])
        by_request = draw(len(timings), spec["bootstrapSamples"], spec["seed"])
        measured[role] = {name: Measured(m, by_example) for name, m in quality.items()}
        speed = {name: Measured(m, by_request) for name, m in speed_metrics(timings).items()}
        measured[role] |= speed
    confidence = spec["confidence"]
    evidence = {
        "schema": 2,
        "dataset": {"digest": spec["dataset"]["digest"], "examples": len(examples)},
        "confidence": confidence,
        "bootstrapSamples": spec["bootstrapSamples"],
        "seed": spec["seed"],
        "signatures": signatures,
        "levels": LEVELS,
        "slices": [],
        "models": {
            role: {
                **model,
                "metrics": {name: figure(m, confidence) for name, m in measured[role].items()},
            }
            for role, model in models.items()
        },
        "differences": {
            role: {
                name: difference(measured[CANDIDATE][name], m, confidence)
                for name, m in measured[role].items()
            }
            for role in models
            if role != CANDIDATE
        },
    }
    return evidence, table


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
