"""What only a GPU can show; collected where there is one: `python -m pytest tests/test_gpu.py`."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tuneline_jobs.data.prepared_dataset import digest_of_dataset
from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.runtime.storage import digests_of_files, uri_of, write_json_lines
from tuneline_jobs.stages.tune import identity_of
from tuneline_jobs.training.checkpoints import MANIFEST

from .specs import evaluate_spec, in_folder, model, tune_spec
from .tiny_model import make_tiny_model, sentence


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the shape of a model of 100 million, whose kernels are those of real ones."""
    folder = tmp_path_factory.mktemp("gpu") / "base"
    folder.mkdir()
    make_tiny_model(
        folder,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
    )
    return folder


@pytest.fixture(scope="module")
def long_prompts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of so many tokens that an attention kernel's sums depend on timing, unless it is told otherwise."""
    folder = tmp_path_factory.mktemp("long")
    rng = random.Random(1)
    examples = [
        {"id": f"{n:016x}", "prompt": sentence(rng, 900), "completion": sentence(rng, 200)}
        for n in range(40)
    ]
    write_json_lines(folder / "train.jsonl", examples)
    write_json_lines(folder / "heldout.jsonl", examples[:12])
    return {"uri": uri_of(folder), "digest": digest_of_dataset(folder)}


@pytest.fixture
def tune(tmp_path: Path, base: Path, long_prompts: dict[str, str]) -> dict[str, Any]:
    changes = {
        "batchSize": 8,
        "learningRate": 0.001,
        "rank": 8,
        "alpha": 16,
        "targetModules": ["q_proj", "v_proj", "down_proj"],
        "maxTokens": 2048,
    }
    return tune_spec(long_prompts, base) | in_folder(tmp_path) | changes


@pytest.fixture
def evaluate(tmp_path: Path, base: Path, long_prompts: dict[str, str]) -> dict[str, Any]:
    changes = {"examples": 12, "maxNewTokens": 24}
    return evaluate_spec(tmp_path, long_prompts, [model("candidate", base)]) | changes


def weights(folder: Path) -> dict[str, str]:
    return {n: d for n, d in digests_of_files(folder).items() if n.endswith(".safetensors")}


def free_memory() -> int:
    """Bytes, when what earlier Jobs of this process left is gone."""
    gc.collect()
    torch.cuda.empty_cache()
    return int(torch.cuda.mem_get_info()[0])


def start(spec: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    """A Job in a process of its own: a GPU can't be used on both sides of a fork."""
    said = {
        "TUNELINE_JOB": json.dumps(spec),
        "TUNELINE_TERMINATION_PATH": str(folder / "outcome.json"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tuneline_jobs", spec["stage"]], env={**os.environ, **said}
    )


def test_two_evaluations_agree_to_the_last_digit(run_job, evaluate, tmp_path) -> None:
    tables, quality = [], []
    for name in ("a", "b"):
        assert run_job(evaluate | {"output": uri_of(tmp_path / name / "out")}).exit_code == 0
        tables.append((tmp_path / name / "out/per-example.jsonl").read_bytes())
        evidence = json.loads((tmp_path / name / "out/evidence.json").read_text())
        metrics = evidence["models"]["candidate"]["metrics"]
        quality.append({name: metrics[name] for name in ("bleu", "rougeL", "perplexity")})
    assert tables[0] == tables[1]
    assert quality[0] == quality[1]


def test_the_same_spec_gives_the_same_weights(run_job, tune, tmp_path) -> None:
    figures = [run_job(tune | in_folder(tmp_path / name)).figures for name in ("a", "b")]
    assert weights(tmp_path / "a/out") == weights(tmp_path / "b/out")
    assert all(found["gpuSeconds"] > 0 and found["peakMemoryGiB"] > 0.2 for found in figures)


def test_a_killed_training_goes_on_to_the_same_weights(run_job, tune, tmp_path) -> None:
    job = start(tune, tmp_path)
    sealed = tmp_path / "checkpoints" / identity_of(typed(tune)) / "checkpoint-6" / MANIFEST
    while not sealed.exists():
        assert job.poll() is None
        time.sleep(0.001)
    job.kill()
    assert job.wait() == -signal.SIGKILL
    assert run_job(tune).figures["resumedFromStep"] in (6, 9)
    assert run_job(tune | in_folder(tmp_path / "unbroken")).figures["resumedFromStep"] == 0
    assert weights(tmp_path / "out") == weights(tmp_path / "unbroken/out")


def test_what_does_not_fit_is_told_as_the_gpus_memory_and_fits_in_halves(
    run_job, tune, tmp_path
) -> None:
    tune |= {"steps": 2}
    free_memory()
    torch.cuda.reset_peak_memory_stats()
    needed = run_job(tune | in_folder(tmp_path / "room")).figures["peakMemoryGiB"] * 2**30
    left = int(free_memory() - 0.75 * needed)
    # Another tenant of the GPU, who leaves less than that.
    tenant = torch.empty(left, dtype=torch.uint8, device="cuda")
    ended = run_job(tune)
    assert (ended.exit_code, ended.failure["class"]) == (1, "GpuOutOfMemory")
    assert "The GPU's memory did not suffice" in ended.failure["message"]
    halved = tune | {"batchSize": 4, "gradientAccumulation": 2}
    assert identity_of(typed(halved)) == identity_of(typed(tune))
    free_memory()
    assert run_job(halved).figures["steps"] == 2
    assert tenant.numel() == left
