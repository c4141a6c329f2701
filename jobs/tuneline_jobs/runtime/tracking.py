"""Writing to an MLflow run, in a way that an unreachable server delays and never spoils the work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .outcome import BadSpec, TryAgain, say
from .storage import output_folder
from .watchdog import work_was_finished

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput
    from mlflow.tracking import MlflowClient

    from .job_specs import EvaluateSpec, ExploreSpec, PrepareSpec, TuneSpec
    from .wandb_mirror import WandbMirror

    StageSpec = ExploreSpec | PrepareSpec | TuneSpec | EvaluateSpec

# How long the end of a stage waits for a server that went away: a restart takes well under this.
PATIENCE_SECONDS = 120.0
# After a failed attempt the next is not made at once: training should not wait for it each step.
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
# MLflow refuses a batch of more than 1000 metrics and of more than 100 parameters.
METRICS_IN_BATCH = 1000
PARAMETERS_IN_BATCH = 100
# MLflow's limit for a dataset's digest.
DIGEST_CHARACTERS = 36
# Where the same curves are in W&B: ENTITY/PROJECT/RUN.
WANDB_RUN_TAG = "tuneline.wandb_run"

Write = Callable[["MlflowClient"], None]


class Tracker:
    """Buffers what a stage has to say about itself and writes it to its run in order.

    `flush` tries once, quickly, and keeps what it could not write. `close` waits for the server.
    Without a run everything is dropped. A mirror hears of the same parameters and points at once.
    """

    def __init__(
        self, run_id: str | None, patience_seconds: float, mirror: WandbMirror | None = None
    ) -> None:
        self.run_id = run_id
        self.patience_seconds = patience_seconds
        self.points: list[tuple[str, float, int, int]] = []
        self.writes: list[Write] = []
        self.pause_seconds = 0.0
        self.retry_at = 0.0
        self.client = connect() if run_id else None
        self.mirror = mirror
        if mirror:
            tag = (WANDB_RUN_TAG, mirror.path)
            self.writes.append(lambda client: client.set_tag(self.run_id, *tag))

    def log_metrics(
        self, values: dict[str, float], step: int = 0, timestamp_ms: int | None = None
    ) -> None:
        """Buffer one point for each value; the same point twice is one point to MLflow."""
        work_was_finished()
        if self.client:
            at = timestamp_ms or int(time.time() * 1000)
            self.points += [(key, value, at, step) for key, value in values.items()]
        if self.mirror:
            self.mirror.log_metrics(values, step)

    def log_progress(self, step: int, total: int) -> None:
        self.log_metrics({"progress/step": step, "progress/total": total}, step)
        self.flush()

    def log_parameters(self, values: dict[str, object]) -> None:
        items = [(key, str(value)) for key, value in values.items()]
        for start in range(0, len(items), PARAMETERS_IN_BATCH):
            batch = items[start : start + PARAMETERS_IN_BATCH]
            self.writes.append(partial(self.write_parameters, batch))
        if self.mirror:
            self.mirror.log_parameters(values)

    def log_artifact(self, path: Path) -> None:
        self.writes.append(lambda client: client.log_artifact(self.run_id, str(path)))

    def log_dataset(
        self, name: str, digest: str, uri: str, context: str, profile: dict[str, int]
    ) -> None:
        """Record that the run used the data with this digest (`sha256:…`) and profile (counts)."""

        def write(client: MlflowClient) -> None:
            client.log_inputs(
                self.run_id, datasets=[dataset_input(name, digest, uri, context, profile)]
            )

        self.writes.append(write)

    def flush(self) -> None:
        """Write what is buffered unless the server is known to be away; what can't be written stays."""
        if not self.client or time.monotonic() < self.retry_at:
            return
        try:
            self.write_all(self.client)
        except Exception as error:
            reject_permanent(error)
            self.pause_seconds = min(
                max(2 * self.pause_seconds, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS
            )
            self.retry_at = time.monotonic() + self.pause_seconds
            say(f"MLflow can't be reached, {self.pending()} writes wait: {summary(error)}")
        else:
            self.pause_seconds = self.retry_at = 0.0

    def close(self) -> None:
        """Write everything; raises TryAgain if the server stays away longer than our patience."""
        if self.mirror:
            self.mirror.finish()
        deadline = time.monotonic() + self.patience_seconds
        while self.client and self.pending():
            self.flush()
            if not self.pending():
                return
            if time.monotonic() > deadline:
                raise TryAgain(
                    f"MLflow could not be reached for {self.patience_seconds:.0f} s; the work is "
                    "kept, and the same Job will only have to report it."
                )
            time.sleep(min(0.2, self.patience_seconds))

    def pending(self) -> int:
        return len(self.points) + len(self.writes)

    def write_all(self, client: MlflowClient) -> None:
        from mlflow.entities import Metric

        while self.writes:
            self.writes[0](client)
            self.writes.pop(0)
        while self.points:
            batch = self.points[:METRICS_IN_BATCH]
            client.log_batch(self.run_id, metrics=[Metric(*point) for point in batch])
            del self.points[: len(batch)]

    def write_parameters(self, batch: list[tuple[str, str]], client: MlflowClient) -> None:
        from mlflow.entities import Param

        client.log_batch(self.run_id, params=[Param(*item) for item in batch])


def connect() -> MlflowClient:
    """A client that gives up fast: this module decides itself when to try again."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    if "MLFLOW_TRACKING_URI" not in os.environ:
        raise BadSpec("MLFLOW_TRACKING_URI: missing, expected the address of the MLflow server.")
    from mlflow.tracking import MlflowClient

    return MlflowClient()


def reject_permanent(error: Exception) -> None:
    """Raise what waiting can't mend: the server answered, and the answer is no. Else return."""
    from mlflow.exceptions import MlflowException

    if not isinstance(error, (MlflowException, OSError)):
        raise error
    status = error.get_http_status_code() if isinstance(error, MlflowException) else 503
    if 400 <= status < 500 and status not in (408, 429):
        raise BadSpec(f"runId: MLflow refused to write to the run, {summary(error)}")


def summary(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def dataset_input(
    name: str, digest: str, uri: str, context: str, profile: dict[str, int]
) -> DatasetInput:
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=digest.removeprefix("sha256:")[:DIGEST_CHARACTERS],
        source_type="local" if uri.startswith("file:") else "hugging_face",
        source=json.dumps({"uri": uri}),
        profile=json.dumps(profile, sort_keys=True),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", context)])


def stage_tracker(spec: StageSpec) -> Tracker:
    return Tracker(spec.run_id, PATIENCE_SECONDS, wandb_mirror_of(spec))


def silent_tracker() -> Tracker:
    """A tracker that drops everything."""
    return Tracker(None, 0)


def wandb_mirror_of(spec: StageSpec) -> WandbMirror | None:
    if spec.run_id is None or spec.wandb is None:
        return None
    from .wandb_mirror import WandbMirror

    folder = output_folder(spec.output) / "wandb"
    return WandbMirror(spec.run_id, spec.wandb.project, spec.stage, folder)
