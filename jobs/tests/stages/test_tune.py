from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from trl import SFTTrainer

from tuneline_jobs.runtime import tracking
from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.runtime.storage import digests_of_files, uri_of
from tuneline_jobs.stages.tune import identity_of
from tuneline_jobs.training import saving_trainer
from tuneline_jobs.training.checkpoints import MANIFEST, newest_whole, seal
from tuneline_jobs.training.reporting_callback import ReportingCallback

from ..conftest import files_of_at_most
from ..specs import in_folder, tune_spec
from ..wandb_record import WandbRecord

STEPS = 12
PROVEN = "Step 1 was saved and read back: the training can be resumed."


@pytest.fixture
def spec(tmp_path: Path, tiny_model: Path, prepared: dict[str, str]) -> dict[str, Any]:
    return tune_spec(prepared, tiny_model) | in_folder(tmp_path) | {"steps": STEPS}


def weights(folder: Path) -> dict[str, str]:
    found = digests_of_files(folder)
    # It names the folder of the base model, and nothing that was learned.
    found.pop("adapter/adapter_config.json")
    return found


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps take long enough that a test can act in the midst of a training."""

    def begin_and_dawdle(callback: ReportingCallback, *_: Any, **__: Any) -> None:
        callback.step_began = time.monotonic()
        time.sleep(0.15)

    monkeypatch.setattr(ReportingCallback, "on_step_begin", begin_and_dawdle)


def test_wandb_shows_the_curve_that_mlflow_shows(
    run_job, spec, mlflow_server, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    run_job(spec | {"runId": mlflow_server.run_id, "wandb": {"project": "summaries"}})
    record = WandbRecord(tmp_path / "out" / "wandb")
    for curve in ("loss", "learningRate", "gradNorm"):
        assert record.curves[curve] == mlflow_server.curve(curve)
        assert [step for step, _ in record.curves[curve]] == list(range(1, STEPS + 1))
    assert record.config["rank"] == 4


def test_learns_and_leaves_a_model_that_loads_by_itself(run_job, spec, tmp_path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ended = run_job(spec)
    assert (ended.figures["steps"], ended.figures["resumedFromStep"]) == (STEPS, 0)
    assert set(ended.outcome["outputs"]) == {"adapter", "model"}
    folder = tmp_path / "out/model"
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    base = AutoModelForCausalLM.from_pretrained(spec["baseModel"].removeprefix("file://"))
    changed = {
        name.split(".")[-2]
        for (name, new), old in zip(model.named_parameters(), base.parameters(), strict=True)
        if not new.equal(old)
    }
    assert changed == {"q_proj", "v_proj"}
    assert AutoTokenizer.from_pretrained(folder).chat_template
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt"))


def test_logs_the_curve_the_config_and_the_data(run_job, spec, mlflow_server, capfd) -> None:
    assert run_job(spec | {"runId": mlflow_server.run_id}).exit_code == 0
    steps = list(range(1, STEPS + 1))
    for name in ("loss", "learningRate", "gradNorm", "tokens", "secondsPerStep", "progress/step"):
        assert [step for step, _ in mlflow_server.curve(name)] == steps
    losses = [value for _, value in mlflow_server.curve("loss")]
    assert sum(losses[-3:]) < sum(losses[:3])
    tokens = [value for _, value in mlflow_server.curve("tokens")]
    assert tokens == sorted(set(tokens))
    assert mlflow_server.params["learningRate"] == "0.01"
    assert mlflow_server.params["targetModules"] == "q_proj,v_proj"
    assert len(mlflow_server.datasets) == 1
    log = capfd.readouterr()
    assert log.err.count(f"/{STEPS} loss ") == STEPS
    assert log.out == ""


def test_the_same_spec_gives_the_same_weights_and_another_seed_does_not(
    run_job, spec, tmp_path
) -> None:
    torch.use_deterministic_algorithms(False)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert run_job(spec | in_folder(tmp_path / name) | {"seed": seed}).exit_code == 0
    found = [weights(tmp_path / name / "out") for name in ("a", "b", "c")]
    assert found[0] == found[1] != found[2]
    # A CPU's kernels are all of that kind: here nothing else could tell.
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.usefixtures("slow_steps")
def test_a_kill_in_the_midst_loses_no_step(run_job, spec, tmp_path, mlflow_server) -> None:
    spec |= {"runId": mlflow_server.run_id}
    pid = run_job.fork(spec)
    wait_for(tmp_path / "checkpoints" / identity_of(typed(spec)) / "checkpoint-6" / MANIFEST)
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert not (tmp_path / "out").exists()

    ended = run_job(spec)
    assert ended.figures["resumedFromStep"] in (6, 9)
    assert [step for step, _ in mlflow_server.curve("loss")] == list(range(1, STEPS + 1))
    tokens = dict(mlflow_server.curve("tokens"))
    assert tokens[STEPS] > tokens[STEPS - 1] > tokens[1]
    assert run_job(spec | in_folder(tmp_path / "unbroken")).figures["resumedFromStep"] == 0
    assert weights(tmp_path / "out") == weights(tmp_path / "unbroken/out")


@pytest.mark.usefixtures("slow_steps")
def test_sigterm_saves_a_checkpoint_first(run_job, spec, tmp_path) -> None:
    spec |= {"checkpointEverySteps": 1000}
    folder = tmp_path / "checkpoints" / identity_of(typed(spec))
    pid = run_job.fork(spec)
    wait_for(folder / "checkpoint-1" / MANIFEST)
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 143
    assert not run_job.termination.exists()
    saved = newest_whole(folder)
    assert saved is not None
    figures = run_job(spec).figures
    assert 0 < figures["resumedFromStep"] < STEPS
    assert saved.name == f"checkpoint-{figures['resumedFromStep']}"


@pytest.mark.parametrize("damage", ["changed", "missing file", "no manifest", "broken manifest"])
def test_only_a_whole_checkpoint_counts(tmp_path: Path, damage: str) -> None:
    for step in (3, 20):
        checkpoint = tmp_path / f"checkpoint-{step}"
        checkpoint.mkdir()
        (checkpoint / "adapter.safetensors").write_bytes(bytes([step]))
        (checkpoint / "state.json").write_text("{}")
        seal(checkpoint)
    newest = tmp_path / "checkpoint-20"
    assert newest_whole(tmp_path) == newest
    if damage == "changed":
        (newest / "adapter.safetensors").write_bytes(b"?")
    elif damage == "missing file":
        (newest / "state.json").unlink()
    elif damage == "no manifest":
        (newest / MANIFEST).unlink()
    else:
        (newest / MANIFEST).write_text('{"files"')
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-3"
    assert not newest.exists()


def test_resumes_from_the_last_good_checkpoint_when_the_newest_is_broken(
    run_job, spec, tmp_path, capfd
) -> None:
    first = run_job(spec)
    folder = tmp_path / "checkpoints" / identity_of(typed(spec))
    with (folder / f"checkpoint-{STEPS}" / "optimizer.pt").open("ab") as file:
        file.write(b"torn")
    again = run_job(spec)
    assert again.figures["resumedFromStep"] == STEPS - 3
    assert f"checkpoint-{STEPS} is broken" in capfd.readouterr().err
    assert again.outcome["outputs"] == first.outcome["outputs"]


def test_the_first_step_is_saved_and_read_back_before_the_second(
    run_job, spec, tmp_path, capfd
) -> None:
    spec |= {"checkpointEverySteps": STEPS}
    first = run_job(spec)
    log = capfd.readouterr().err
    assert log.count(PROVEN) == 1
    assert log.index("step 1/") < log.index(PROVEN) < log.index("step 2/")

    shutil.rmtree(tmp_path / "checkpoints" / identity_of(typed(spec)) / f"checkpoint-{STEPS}")
    again = run_job(spec)
    assert again.figures["resumedFromStep"] == 1
    assert again.outcome["outputs"] == first.outcome["outputs"]
    assert PROVEN not in capfd.readouterr().err


def change_adapter(file: Path) -> None:
    held = load_file(file)
    save_file({name: weights + 1e-7 for name, weights in held.items()}, file)


def leave_out_a_weight(file: Path) -> None:
    save_file(dict(list(load_file(file).items())[1:]), file)


def change_optimizer(file: Path) -> None:
    state = torch.load(file)
    state["state"][0]["exp_avg"] += 1e-7
    torch.save(state, file)


def change_rate(file: Path) -> None:
    torch.save(torch.load(file) | {"last_epoch": 0}, file)


def change_random(file: Path) -> None:
    state = torch.load(file, weights_only=False)
    state["cpu"][-1] ^= 1
    torch.save(state, file)


def tear(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("adapter_model.safetensors", change_adapter),
        ("adapter_model.safetensors", leave_out_a_weight),
        ("adapter_model.safetensors", tear),
        ("optimizer.pt", change_optimizer),
        ("optimizer.pt", tear),
        ("scheduler.pt", change_rate),
        ("scheduler.pt", Path.unlink),
        ("rng_state.pth", change_random),
        ("rng_state.pth", Path.unlink),
        ("trainer_state.json", tear),
        (
            "trainer_state.json",
            lambda file: file.write_text(file.read_text().replace('"loss"', '"lost"')),
        ),
    ],
)
def test_a_first_step_that_does_not_come_back_is_the_last(
    run_job, spec, tmp_path, monkeypatch, capfd, name, damage
) -> None:
    save = SFTTrainer._save_checkpoint

    def save_and_damage(trainer: SFTTrainer, *arguments: Any) -> None:
        save(trainer, *arguments)
        damage(Path(trainer.args.output_dir) / f"checkpoint-{trainer.state.global_step}" / name)

    monkeypatch.setattr(SFTTrainer, "_save_checkpoint", save_and_damage)
    ended = run_job(spec)
    assert (ended.exit_code, ended.failure["class"]) == (1, "Unknown")
    folder = tmp_path / "checkpoints" / identity_of(typed(spec))
    assert ended.failure["message"].startswith(
        f"checkpoints: {folder}/checkpoint-1/{name} does not give back what is in memory"
    )
    log = capfd.readouterr().err
    assert "step 1/" in log
    assert "step 2/" not in log
    # The next attempt doesn't go on from it.
    assert newest_whole(folder) is None


def test_a_seal_that_does_not_hold_ends_the_first_step(run_job, spec, monkeypatch, capfd) -> None:
    def seal_and_change(checkpoint: Path) -> None:
        seal(checkpoint)
        tear(checkpoint / "adapter_config.json")

    monkeypatch.setattr(saving_trainer, "seal", seal_and_change)
    ended = run_job(spec)
    assert (ended.exit_code, ended.failure["class"]) == (1, "Unknown")
    assert "/checkpoint-1 is not what was just saved" in ended.failure["message"]
    assert "step 2/" not in capfd.readouterr().err


# What becomes too large is written by Python, then by tokenizers, then by torch.
@pytest.mark.parametrize(
    ("room", "reason"), [(4_000, ": File too large."), (6_000, "os error 27"), (12_000, "GiB free")]
)
def test_a_disk_that_becomes_full_ends_the_first_step(
    run_job, spec, tmp_path, capfd, room, reason
) -> None:
    with files_of_at_most(room):
        ended = run_job(spec)
    assert (ended.exit_code, ended.failure["class"]) == (75, "Unavailable")
    folder = tmp_path / "checkpoints" / identity_of(typed(spec))
    assert f"checkpoints: {folder} can't be written" in ended.failure["message"]
    assert reason in ended.failure["message"]
    assert "step 2/" not in capfd.readouterr().err
    assert run_job(spec).figures["resumedFromStep"] == 0


def test_a_folder_that_cannot_be_written_is_a_bad_spec(run_job, spec, tmp_path, capfd) -> None:
    (tmp_path / "file").touch()
    ended = run_job(spec | {"checkpoints": uri_of(tmp_path / "file/checkpoints")})
    assert ended.exit_code == 64
    assert ended.failure["message"] == (
        f"checkpoints: {tmp_path}/file/checkpoints/{identity_of(typed(spec))} can't be written: "
        "Not a directory."
    )
    assert "step 1/" not in capfd.readouterr().err


def test_a_finished_tune_is_not_trained_again(run_job, spec, tmp_path, capfd) -> None:
    first = run_job(spec)
    shutil.rmtree(tmp_path / "out")
    capfd.readouterr()
    again = run_job(spec)
    assert again.figures["resumedFromStep"] == STEPS
    assert again.figures["trainLoss"] == first.figures["trainLoss"]
    assert again.outcome["outputs"] == first.outcome["outputs"]
    assert " loss " not in capfd.readouterr().err


def test_training_goes_on_without_mlflow_and_the_retry_only_reports(
    run_job, spec, mlflow_server, monkeypatch, capfd
) -> None:
    monkeypatch.setattr(tracking, "PATIENCE_SECONDS", 0.2)
    mlflow_server.refuses = 503
    ended = run_job(spec | {"runId": mlflow_server.run_id})
    assert ended.exit_code == 75
    assert ended.failure["class"] == "Unavailable"
    assert mlflow_server.metrics == []
    capfd.readouterr()

    mlflow_server.refuses = None
    assert run_job(spec | {"runId": mlflow_server.run_id}).figures["resumedFromStep"] == STEPS
    assert " loss " not in capfd.readouterr().err
    assert [step for step, _ in mlflow_server.curve("loss")] == list(range(1, STEPS + 1))


def test_a_smaller_batch_after_an_out_of_memory_shares_the_checkpoints(spec) -> None:
    smaller = spec | {"batchSize": 1, "gradientAccumulation": 2, "runId": "another"}
    assert identity_of(typed(smaller)) == identity_of(typed(spec))
    assert identity_of(typed(spec | {"learningRate": 0.02})) != identity_of(typed(spec))
    assert identity_of(typed(spec | {"batchSize": 4})) != identity_of(typed(spec))


def test_data_that_is_not_what_was_prepared_is_refused(run_job, spec) -> None:
    ended = run_job(spec | {"dataset": {**spec["dataset"], "digest": "sha256:" + "0" * 64}})
    assert ended.exit_code == 65
    assert "dataset.digest" in ended.failure["message"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targetModules": ["q_proj", "query"]}, "targetModules[1]: the base model has no linear"),
        ({"baseModel": "file:///nowhere"}, "baseModel: no model with its tokenizer in /nowhere"),
    ],
)
def test_what_the_model_does_not_have_is_a_bad_spec(run_job, spec, change, message) -> None:
    ended = run_job(spec | change)
    assert ended.exit_code == 64
    assert message in ended.failure["message"]
