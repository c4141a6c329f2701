"""The same parameters and curves in Weights & Biases, for teams that look there. MLflow stays the record.

W&B never decides how a Job ends: what can't be sent is kept in the Job's output folder, and
`wandb sync FOLDER` sends it later.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .outcome import say

# A server that is away must not cost a training its time slot, nor its grace when it is ended.
INIT_SECONDS = 20.0
FINISH_SECONDS = 20.0


class WandbMirror:
    """One W&B run beside one MLflow run, under the same ID: whoever resumes the one resumes the other."""

    def __init__(self, run_id: str, project: str, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Nothing of it belongs in the home of whoever runs the Job, which may not even be writable.
        for variable in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
            os.environ.setdefault(variable, str(folder / "cache"))
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self.folder = folder
        config = {
            "mlflow.runId": run_id,
            "mlflow.trackingUri": os.environ.get("MLFLOW_TRACKING_URI", ""),
        }
        self.run = start(
            id=run_id, project=project, name=name, config=config, dir=str(folder), resume="allow"
        )
        self.path = "/".join(part for part in (self.run.entity, project, run_id) if part)

    def log_parameters(self, values: dict[str, object]) -> None:
        self.run.config.update(values, allow_val_change=True)

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        """Points of a curve, or figures of the whole stage where there is no step."""
        if step == 0:
            self.run.summary.update(values)
        # What was reported before the Job was interrupted is there already.
        elif step >= self.run.step:
            self.run.log(values, step=step)

    def finish(self) -> None:
        self.run.finish()


def start(**settings: Any) -> Any:
    """A run that is sent while it goes on where that can be, else one that is kept on disk."""
    import wandb

    settings["settings"] = wandb.Settings(
        console="off",
        silent=True,
        disable_git=True,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
    )
    if os.environ.get("WANDB_MODE", "online") == "online" and "WANDB_API_KEY" not in os.environ:
        say(f"WANDB_API_KEY is not set; {kept_in(settings)}")
        return wandb.init(**settings, mode="offline")
    try:
        return wandb.init(**settings)
    except wandb.Error as error:
        say(f"W&B can't be reached, {str(error).partition(chr(10))[0][:200]}; {kept_in(settings)}")
        # What failed to start still holds the ID.
        wandb.teardown()
        return wandb.init(**settings, mode="offline")


def kept_in(settings: dict[str, Any]) -> str:
    return f"W&B's record is kept in {settings['dir']}, and `wandb sync` sends it."
