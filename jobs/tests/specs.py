"""Specs of Jobs on small models: whatever a test is about it changes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuneline_jobs.runtime.storage import digest_of_folder, uri_of


def model(role: str, folder: Path) -> dict[str, str]:
    return {"role": role, "uri": uri_of(folder), "digest": digest_of_folder(folder)}


def evaluate_spec(
    folder: Path, dataset: dict[str, str], models: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "stage": "evaluate",
        "output": uri_of(folder / "out"),
        "dataset": dataset,
        "models": models,
        "examples": 8,
        "maxNewTokens": 2,
        "latencyRequests": 1,
        "bootstrapSamples": 200,
        "confidence": 0.9,
        "seed": 7,
    }


def explore_spec(folder: Path, data: Path, base: Path) -> dict[str, Any]:
    return {
        "stage": "explore",
        "output": uri_of(folder / "out"),
        "data": {"uri": uri_of(data), "input": ["text"], "target": "label"},
        "baseModel": uri_of(base),
        "maxTokens": 20,
        "heldOutExamples": 4,
        "seed": 7,
    }


def tune_spec(dataset: dict[str, str], base: Path) -> dict[str, Any]:
    """Without a folder of its own, which `in_folder` adds."""
    return {
        "stage": "tune",
        "dataset": dataset,
        "baseModel": uri_of(base),
        "framework": "transformers",
        "method": "lora",
        "steps": 12,
        "batchSize": 2,
        "gradientAccumulation": 1,
        "learningRate": 0.01,
        "warmupSteps": 2,
        "rank": 4,
        "alpha": 8,
        "dropout": 0.1,
        "targetModules": ["q_proj", "v_proj"],
        "maxTokens": 128,
        "checkpointEverySteps": 3,
        "seed": 7,
    }


def in_folder(folder: Path) -> dict[str, str]:
    """What a tune writes, apart from any other."""
    return {"output": uri_of(folder / "out"), "checkpoints": uri_of(folder / "checkpoints")}


def distributed_tune_spec(dataset: dict[str, str], base: Path) -> dict[str, Any]:
    """A tune that gives the same curve however many processes share it."""
    # Each process drops by random numbers of its own, so none may drop.
    return tune_spec(dataset, base) | {"batchSize": 4, "dropout": 0}
