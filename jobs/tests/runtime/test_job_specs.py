from __future__ import annotations

import json

import pytest

from dev.write_job_specs import SCHEMA, SPECS, render
from tuneline_jobs.runtime.job_specs import JobSpec


def test_the_checked_in_classes_are_those_of_the_schema() -> None:
    assert SPECS.read_text() == render(), "run: python -m dev.write_job_specs"


@pytest.mark.parametrize("branch", json.loads(SCHEMA.read_text())["oneOf"])
def test_each_stage_has_a_class_with_every_field_of_its_schema(branch) -> None:
    stage = branch["properties"]["stage"]["const"]
    [found] = [
        spec for spec in JobSpec.__value__.__args__ if spec.__name__.lower() == f"{stage}spec"
    ]
    names = {field.alias or name for name, field in found.model_fields.items()}
    assert names == set(branch["properties"])
