"""A trainer whose checkpoints can be trusted; the first is read back before a second step is paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import TrainerState
from transformers.trainer_pt_utils import safe_globals
from trl import SFTTrainer

from ..runtime.outcome import JobFailure, say
from ..runtime.tracking import summary
from . import distributed
from .checkpoints import PREFIX, is_whole, saving, seal


class NotRestorable(JobFailure):
    """A checkpoint was written, and what was read back is not what is in memory."""


class SavingTrainer(SFTTrainer):  # type: ignore[misc]
    """Seals its checkpoints; where one can't be saved, all processes end with the same failure.

    The checkpoint of step 1 is sealed only if it gives back all that a training goes on from.
    """

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder, step = Path(self.args.output_dir), self.state.global_step
        checkpoint = folder / f"{PREFIX}{step}"
        # Each process writes the state of its random numbers into it.
        with distributed.failing_together(), saving(folder):
            super()._save_checkpoint(model, trial)
            if step == 1:
                require_restorable(self, checkpoint)
        with distributed.failing_together(), saving(folder):
            if distributed.is_first():
                seal(checkpoint)
                if step == 1 and not is_whole(checkpoint):
                    raise NotRestorable(f"checkpoints: {checkpoint} is not what was just saved.")
        if step == 1 and distributed.is_first():
            say("Step 1 was saved and read back: the training can be resumed.")


def require_restorable(trainer: SFTTrainer, checkpoint: Path) -> None:
    for name, read, held in states_of(trainer):
        try:
            found = read(checkpoint / name)
            torch.testing.assert_close(
                found, held, rtol=0, atol=0, equal_nan=True, check_device=False
            )
        # A file that can't be read fails in as many ways as there are formats.
        except Exception as error:
            raise NotRestorable(
                f"checkpoints: {checkpoint / name} does not give back what is in memory, "
                f"so the training could not be resumed: {summary(error)}"
            ) from error


def states_of(trainer: SFTTrainer) -> Iterator[tuple[str, Callable[[Path], Any], Any]]:
    """The files that a training goes on from, how each is read, and what it has to give.

    Its random numbers are each process's own; the rest, the same in all, is looked at by the first.
    """
    alone = distributed.size() == 1
    random: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state() if alone else torch.cuda.get_rng_state_all()
    yield "rng_state.pth" if alone else f"rng_state_{distributed.rank()}.pth", read_random, random
    if not distributed.is_first():
        return
    # Not what the library would save, which may leave something out: all that is trained.
    adapter = {
        name.replace(".default.", "."): weights
        for name, weights in trainer.model.named_parameters()
        if weights.requires_grad
    }
    yield "adapter_model.safetensors", load_file, adapter
    yield "optimizer.pt", read_state, trainer.optimizer.state_dict()
    yield "scheduler.pt", read_state, trainer.lr_scheduler.state_dict()
    yield "trainer_state.json", read_progress, progress_of(trainer.state)


def read_state(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def read_random(path: Path) -> dict[str, Any]:
    with safe_globals():  # type: ignore[no-untyped-call]
        states = read_state(path)
    return {name: states[name] for name in ("cpu", "cuda") if name in states}


def read_progress(path: Path) -> dict[str, Any]:
    return progress_of(TrainerState.load_from_json(str(path)))


def progress_of(state: TrainerState) -> dict[str, Any]:
    return {"step": state.global_step, "history": state.log_history}
