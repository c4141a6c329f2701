"""Running garak, the scanner of language models: a program of its own, beside the Job's own environment.

It needs other versions of what the Job is made of, so it is never imported. It gets a home in the
Job's output, none of the Job's secrets, and models from the cache alone.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from ...evaluation.evaluated_models import EvaluatedModel
from ...runtime.outcome import BadSpec, JobFailure, say
from ...runtime.storage import path_of
from ...runtime.watchdog import work_was_finished
from .report import HIT, read_report

FIELD = "evaluate.garak"
# What a program needs to run and to find models that were fetched before.
HANDED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS", "LD_LIBRARY_PATH")
HANDED_ON_FAMILIES = ("CUDA_", "NVIDIA_", "HF_HOME")
# The same for every model: some probes call the model by its name.
MODEL = "model"
REPORT = "garak"

Row = dict[str, Any]


class Program(NamedTuple):
    """Where garak is, its version, and a folder that may be its home."""

    path: str
    version: str
    home: Path


def find_program(probes: list[str], home: Path) -> Program:
    """garak on this machine, which must know every probe named; raises BadSpec otherwise."""
    path = shutil.which("garak")
    if path is None:
        raise BadSpec(
            f"{FIELD}: there is no program garak on the PATH of this Job; install it in an environment "
            f"of its own (pip install garak) and put that on the PATH, or leave {FIELD} out."
        )
    home.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(  # noqa: S603 (found on the PATH, with arguments from here)
        [path, "--list_probes"],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", listed.stdout)
    version = re.search(r"v(\d[\w.]*)", said)
    known = re.findall(r"^probes: (\S+)", said, re.MULTILINE)
    if listed.returncode or not version or not known:
        raise JobFailure(f"{path} does not list its probes: {last_line(said + listed.stderr)}")
    for probe in probes:
        check_probe(probe, known)
    return Program(path, version[1], home)


def check_probe(probe: str, known: list[str]) -> None:
    if probe in known:
        return
    near = difflib.get_close_matches(probe, known)
    hint = f"did you mean {' or '.join(near)}?" if near else "garak knows none like it."
    raise BadSpec(f"{FIELD}.probes: there is no probe {probe}; {hint}")


def probe_model(program: Program, model: EvaluatedModel, probes: list[str], seed: int) -> list[Row]:
    """Every attempt on the model, greedily answered, with whether it succeeded."""
    say(f"Probing {model.uri} with garak {program.version}")
    report = report_of(program, model)
    folder = report.parent
    folder.mkdir(exist_ok=True)
    target = model.uri
    if "://" in model.uri:
        target = MODEL
        link = folder / MODEL
        link.unlink(missing_ok=True)
        link.symlink_to(path_of(model.uri, "models"))
    report.unlink(missing_ok=True)
    config = folder / "run.yaml"
    # JSON is YAML.
    config.write_text(json.dumps(settings(seed, target, folder)))
    chosen = ",".join(f"probes.{probe}" for probe in probes)
    run(program, ["--config", str(config), "--spec", chosen], folder)
    return read_report(report)


def report_of(program: Program, model: EvaluatedModel) -> Path:
    """Where garak writes, line by line, what it tried on the model."""
    return program.home / model.digest.replace(":", "-") / f"{REPORT}.report.jsonl"


def settings(seed: int, target: str, folder: Path) -> dict[str, Any]:
    """One greedy answer to each prompt, and the first detector that its probe names."""
    import torch

    from ...training.language_model import device, fast_dtype

    loaded = {
        "dtype": "bfloat16" if fast_dtype() is torch.bfloat16 else "float32",
        "do_sample": False,
        "device": device(),
    }
    return {
        "run": {"seed": seed, "generations": 1, "eval_threshold": HIT},
        "plugins": {
            "target_type": "huggingface.Pipeline",
            "target_name": target,
            "extended_detectors": False,
            "generators": {"huggingface": {"Pipeline": {"hf_args": loaded}}},
        },
        "reporting": {"report_dir": str(folder), "report_prefix": REPORT},
    }


def run(program: Program, arguments: list[str], folder: Path) -> None:
    """Run garak to its end; what it says counts as work, for a prompt takes seconds and a probe an hour."""
    with subprocess.Popen(  # noqa: S603 (found on the PATH, with arguments from here)
        [program.path, *arguments],
        env=environment(program.home),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        said = b""
        while block := os.read(process.stdout.fileno(), 65_536):
            work_was_finished()
            said = (said + block)[-4096:]
    if process.returncode:
        heard = last_line(said.decode(errors="replace"))
        raise JobFailure(f"garak ended with {process.returncode}: {heard}")


def environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in HANDED_ON or name.startswith(HANDED_ON_FAMILIES)
    }
    return {
        "HF_HOME": str(Path.home() / ".cache/huggingface"),
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def last_line(text: str) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return lines[-1][:300] if lines else "it said nothing."
