"""Processes that train together share the batch of the spec."""

from __future__ import annotations

import pytest

from tuneline_jobs.runtime.outcome import BadSpec
from tuneline_jobs.training.distributed import share_of


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "share"),
    [
        (4, 3, 1, (4, 3)),
        (4, 2, 2, (4, 1)),
        (4, 1, 2, (2, 1)),
        (4, 3, 2, (3, 2)),
        (1, 8, 8, (1, 1)),
        (5, 6, 3, (5, 2)),
    ],
)
def test_all_together_make_the_batch_of_the_spec(
    monkeypatch, batch, accumulation, processes, share
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    assert share_of(batch, accumulation) == share
    assert share[0] * share[1] * processes == batch * accumulation


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "fitting"),
    [(3, 1, 2, "2 or 4"), (1, 3, 8, "8"), (5, 2, 8, "4 or 8")],
)
def test_a_batch_that_cannot_be_shared_is_a_bad_spec(
    monkeypatch, batch, accumulation, processes, fitting
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(BadSpec) as refused:
        share_of(batch, accumulation)
    assert str(refused.value) == (
        f"batchSize: {batch} × gradientAccumulation {accumulation} can't be shared by {processes} "
        f"processes; {fitting} would do."
    )
