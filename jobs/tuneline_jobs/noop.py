"""Do nothing and pass the input on: measures what a Job costs before it does any work."""

from __future__ import annotations

from .runtime.outcome import MAXIMUM_OUTCOME_BYTES, BadSpec, encode, succeeded


def run(spec: dict[str, object]) -> dict[str, object]:
    outcome = succeeded(value=spec.get("input"))
    size = len(encode(outcome))
    if size > MAXIMUM_OUTCOME_BYTES:
        raise BadSpec(
            f"input: too large to pass on, its outcome takes {size} bytes and "
            f"{MAXIMUM_OUTCOME_BYTES} fit; pass a reference instead."
        )
    return outcome
