"""Reads the spec that a Job gets and says, in one message, everything that is wrong with it.

The schema is made from the TypeScript that writes these specs, so the two languages can't drift.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .outcome import BadSpec

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMA_PATH = Path(__file__).with_name("job-spec.schema.json")


def read_job_spec(text: str, stage: str) -> BaseModel:
    """The spec in `text`, as the class of its stage; raises BadSpec with all its faults.

    The JSON Schema checks it, because its messages name every fault at once.
    """
    try:
        spec = json.loads(text)
    except ValueError as error:
        raise BadSpec(f"TUNELINE_JOB: not JSON, {error}.") from None
    if not isinstance(spec, dict):
        raise BadSpec(f"TUNELINE_JOB: expected one JSON object, got {shown(spec)}.")
    if spec.get("stage") != stage:
        raise BadSpec(
            f'stage: expected "{stage}", the stage this Job was started with, '
            f"got {shown(spec.get('stage'))}."
        )
    faults = find_faults(spec, stage)
    if faults:
        raise BadSpec(f"The spec of this {stage} Job is wrong: {'; '.join(faults)}.")
    return typed(spec)


def typed(spec: dict[str, Any]) -> BaseModel:
    """A valid spec as the class of its stage: STAGE's is `StageSpec` in `job_specs`."""
    from . import job_specs

    found: type[BaseModel] = getattr(job_specs, f"{spec['stage'].capitalize()}Spec")
    return found.model_validate(spec)


def find_faults(spec: dict[str, Any], stage: str) -> list[str]:
    """One sentence for each wrong field, in the order of their paths."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(branch_of(stage)).iter_errors(spec)
    return sorted({fault for error in errors for fault in describe(error)})


def branch_of(stage: str) -> dict[str, Any]:
    """The one branch of the schema that speaks of `stage`: its faults are precise where `oneOf`'s are not."""
    schema = json.loads(SCHEMA_PATH.read_text())
    for branch in schema["oneOf"]:
        if branch["properties"]["stage"].get("const") == stage:
            return {"$defs": schema.get("$defs", {}), **branch}
    raise BadSpec(f'stage: no "{stage}" in {SCHEMA_PATH.name}.')


def describe(error: Any) -> Iterator[str]:
    path = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{path}." if path else ""
    fields = error.schema.get("properties", {})
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield f"{prefix}{name}: missing, expected {expected(fields.get(name, {}))}"
    elif error.validator == "additionalProperties":
        for name in error.instance:
            if name not in fields:
                yield f"{prefix}{name}: unknown field, {nearest(name, list(fields))}"
    else:
        yield f"{path}: expected {expected(error.schema)}, got {shown(error.instance)}"


def expected(schema: dict[str, Any]) -> str:
    """What a value of `schema` has to be, in words."""
    if "description" in schema:
        return str(schema["description"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice) for choice in schema["enum"])
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return " or ".join(expected(choice) for choice in alternatives)
    return " ".join([str(schema.get("type", "a value")), *bounds(schema)])


def bounds(schema: dict[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "and at most",
        "exclusiveMaximum": "and below",
        "minLength": "of at least length",
        "minItems": "with a number of items of at least",
        "pattern": "matching",
    }
    # Generators spell "any safe integer" as bounds of ±2^53, which would only be noise here.
    return (
        f"{word} {schema[key]}"
        for key, word in words.items()
        if key in schema and not (isinstance(schema[key], int) and abs(schema[key]) >= 2**53 - 1)
    )


def nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}" if close else f"there are {', '.join(sorted(known))}"


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
