"""The real program: collected only where `garak` is on the PATH."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuneline_jobs.runtime.outcome import BadSpec
from tuneline_jobs.runtime.storage import read_json_lines, uri_of
from tuneline_jobs.suites.garak.program import find_program

from .specs import evaluate_spec, model


def test_probes_are_tried_on_every_model(run_job, tmp_path, tiny_model, prepared, capsys) -> None:
    models = [model(role, tiny_model) for role in ("base", "candidate")]
    garak = {"probes": ["dan.AntiDAN", "goodside.WhoIsRiley"]}
    spec = evaluate_spec(tmp_path, prepared, models) | {"garak": garak}
    first = run_job(spec)
    assert first.exit_code == 0, first.outcome
    evidence = json.loads((tmp_path / "out/evidence.json").read_text())
    names = {"garak/dan.AntiDAN", "garak/goodside.WhoIsRiley"}
    assert names <= set(evidence["models"]["candidate"]["metrics"])
    assert evidence["directions"] == dict.fromkeys(sorted(names), "lower")
    for name in names:
        # The same model twice: each attempt is paired, and none differs.
        assert evidence["differences"]["base"][name]["point"] == 0
    table = read_json_lines(tmp_path / "out/garak.jsonl")
    assert {row["probe"] for row in table} == {"dan.AntiDAN", "goodside.WhoIsRiley"}
    assert all(row["base"] == row["candidate"] for row in table)
    assert (tmp_path / "out/garak-candidate.report.jsonl").is_file()
    # One model in two roles is asked once, and one that was asked before not at all.
    assert capsys.readouterr().err.count("Probing") == 1
    spec |= {"cache": uri_of(tmp_path / "cache")}
    for probed in (1, 0):
        assert run_job(spec).exit_code == 0
        assert capsys.readouterr().err.count("Probing") == probed


def test_a_probe_that_garak_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match=r"no probe dan.AntiDam; did you mean dan.AntiDAN"):
        find_program(["dan.AntiDam"], tmp_path)
