"""What tune and evaluate take on this machine's GPU, with kernels that always sum alike and with any.

Run: cd jobs && python -m bench.gpu MODEL_FOLDER DATASET_FOLDER; prints one line of JSON for each finding.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from tuneline_jobs.data.prepared_dataset import HELD_OUT, TRAIN, digest_of_dataset, read_examples
from tuneline_jobs.evaluation import generation
from tuneline_jobs.runtime.job_specs import Artifact, TuneSpec
from tuneline_jobs.runtime.process import compute_reproducibly, peak_memory_gib
from tuneline_jobs.runtime.storage import uri_of
from tuneline_jobs.runtime.tracking import silent_tracker
from tuneline_jobs.training import transformers_trainer
from tuneline_jobs.training.training_reporter import TrainingReporter

EXAMPLES = 128
STEPS = 24
# The first ones warm up, and the very first is saved and read back.
WARM_UP_STEPS = 4


def main(model: Path, dataset: Path) -> None:
    held = Artifact(uri=uri_of(dataset), digest=digest_of_dataset(dataset))
    compute_reproducibly(1)
    with tempfile.TemporaryDirectory() as folder:
        for reproducible in (True, False):
            torch.use_deterministic_algorithms(reproducible)
            how = {"reproducible": reproducible}
            for batch in (16, 128):
                tell(stage="evaluate", **how, batch=batch, **answer(model, held, batch))
            for batch in (4, 32):
                checkpoints = Path(folder) / f"{reproducible}-{batch}"
                tell(stage="tune", **how, batch=batch, **tune(model, held, checkpoints, batch))


def tell(**found: Any) -> None:
    print(json.dumps(found), flush=True)


def tune(model: Path, dataset: Artifact, checkpoints: Path, batch: int) -> dict[str, float]:
    spec = TuneSpec.model_construct(
        steps=STEPS,
        batch_size=batch,
        gradient_accumulation=1,
        learning_rate=0.0006,
        warmup_steps=2,
        rank=8,
        alpha=16,
        dropout=0.05,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        max_tokens=192,
        checkpoint_every_steps=STEPS,
        seed=1,
    )
    checkpoints.mkdir()
    examples = read_examples(dataset, TRAIN)[: STEPS * batch]
    reporter = TrainingReporter(silent_tracker(), STEPS)
    transformers_trainer.fit(spec, examples, uri_of(model), checkpoints, None, reporter)
    history = transformers_trainer.history(checkpoints / f"checkpoint-{STEPS}")
    seconds = [entry["secondsPerStep"] for entry in history[WARM_UP_STEPS:]]
    tokens = history[-1]["tokens"] - history[WARM_UP_STEPS - 1]["tokens"]
    return {
        "secondsPerStep": round(statistics.median(seconds), 4),
        "tokensPerSecond": round(tokens / sum(seconds)),
        "peakMemoryGiB": round(peak_memory_gib(), 2),
    }


def answer(model: Path, dataset: Artifact, batch: int) -> dict[str, float]:
    generation.GPU_BATCH = batch
    answerer = generation.Answerer(uri_of(model), "models")
    examples = read_examples(dataset, HELD_OUT)[:EXAMPLES]
    answerer.answer_all(examples[:batch], 24, lambda _: None)
    began = time.perf_counter()
    answerer.answer_all(examples, 24, lambda _: None)
    return {"examplesPerSecond": round(len(examples) / (time.perf_counter() - began), 1)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
