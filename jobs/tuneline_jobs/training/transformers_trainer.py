"""The trainer of the framework `transformers`: LoRA with TRL's SFTTrainer.

The loss is taken over the completion alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import PrinterCallback, TrainerState
from trl import SFTConfig

from ..data.prepared_dataset import Example
from ..runtime.job_specs import TuneSpec
from ..runtime.outcome import BadData, BadSpec
from ..runtime.process import compute_reproducibly, use_best_threads
from ..runtime.storage import appearing_whole
from . import distributed
from .language_model import device, encode, fast_dtype, load_model, load_tokenizer
from .reporting_callback import ReportingCallback, steps_of
from .saving_trainer import SavingTrainer
from .training_reporter import Step, TrainingReporter

IGNORED = -100


def train(
    spec: TuneSpec,
    rows: list[Example],
    start: str,
    checkpoints: Path,
    resume_from: Path | None,
    reporter: TrainingReporter,
) -> None:
    use_best_threads()
    compute_reproducibly(spec.seed)
    fit(spec, rows, start, checkpoints, resume_from, reporter)


def fit(
    spec: TuneSpec,
    rows: list[Example],
    start: str,
    checkpoints: Path,
    resume_from: Path | None,
    reporter: TrainingReporter,
) -> None:
    """Train with the threads and kernels that this process is set to."""
    # The frozen weights may be rounded. Only the adapter is trained, and it stays in float32.
    model = load_model(start, "baseModel", fast_dtype())
    require_modules(model, spec.target_modules)
    tokenizer = load_tokenizer(start, "baseModel")
    trainer = SavingTrainer(
        model=model,
        args=settings(spec, checkpoints),
        train_dataset=encode_all(tokenizer, rows, spec.max_tokens),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=spec.rank,
            lora_alpha=spec.alpha,
            lora_dropout=spec.dropout,
            target_modules=spec.target_modules,
            task_type="CAUSAL_LM",
        ),
        callbacks=[ReportingCallback(reporter)],
    )
    trainer.remove_callback(PrinterCallback)
    with reporter.listening():
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)


def settings(spec: TuneSpec, checkpoints: Path) -> SFTConfig:
    batch, accumulation = distributed.share_of(spec.batch_size, spec.gradient_accumulation)
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=spec.steps,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulation,
        # The adapter's weights all take part in each step.
        ddp_find_unused_parameters=False,
        learning_rate=spec.learning_rate,
        warmup_steps=spec.warmup_steps,
        lr_scheduler_type="cosine",
        max_length=spec.max_tokens,
        seed=spec.seed,
        save_strategy="steps",
        save_steps=spec.checkpoint_every_steps,
        # The one being written, and the last good one should that fail.
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        # Mixed precision would copy every weight at each step; the model is in its dtype already.
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=device() == "cpu",
        dataloader_pin_memory=device() != "cpu",
    )


def require_modules(model: Any, targets: list[str]) -> None:
    names = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    for index, target in enumerate(targets):
        if target not in names:
            raise BadSpec(
                f'targetModules[{index}]: the base model has no linear module "{target}"; '
                f"there are {', '.join(sorted(names))}."
            )


def encode_all(tokenizer: Any, examples: list[Example], max_tokens: int) -> Dataset:
    """Token IDs and labels, where the prompt's tokens are ignored; too long examples are left out."""
    rows = []
    for example in examples:
        prompt, completion = encode(tokenizer, example["prompt"], example["completion"])
        if len(prompt) + len(completion) <= max_tokens:
            labels = [IGNORED] * len(prompt) + completion
            rows.append({"input_ids": prompt + completion, "labels": labels})
    if not rows:
        raise BadData(f"dataset: no example to train on takes {max_tokens} tokens or fewer.")
    return Dataset.from_list(rows)


def history(checkpoint: Path) -> list[Step]:
    return steps_of(TrainerState.load_from_json(str(checkpoint / "trainer_state.json")))


def export(spec: TuneSpec, checkpoint: Path, folder: Path) -> list[str]:
    """Write the adapter to `adapter`, and the base with it added to `model`."""
    write_adapter(checkpoint, folder / "adapter")
    write_merged(spec.base_model, folder / "adapter", folder / "model")
    return ["adapter", "model"]


def write_adapter(checkpoint: Path, destination: Path) -> None:
    with appearing_whole(destination) as temporary:
        temporary.mkdir()
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            (temporary / name).write_bytes((checkpoint / name).read_bytes())


def write_merged(base: str, adapter: Path, destination: Path) -> None:
    """Write the base with the adapter added into its weights: summed in float32, stored as the base is."""
    dtype = load_model(base, "baseModel").dtype
    model = PeftModel.from_pretrained(load_model(base, "baseModel", torch.float32), str(adapter))
    merged = model.merge_and_unload().to(dtype)
    with appearing_whole(destination) as temporary:
        merged.save_pretrained(temporary)
        load_tokenizer(base, "baseModel").save_pretrained(temporary)
