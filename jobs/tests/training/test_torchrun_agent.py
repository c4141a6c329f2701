"""The agent of a pod starts torchrun, and reports one outcome for all processes of the pod."""

from __future__ import annotations

from typing import Any

from tuneline_jobs.training import distributed, torchrun_agent

from ..conftest import Ended
from ..pods import free_port


def test_other_pods_that_never_come_are_no_lost_node(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torchrun_agent, "RENDEZVOUS_SECONDS", 1)
    monkeypatch.setenv(distributed.OUTCOMES, "")
    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(tmp_path / "outcome.json"))
    for name, value in (("NNODES", "2"), ("NODE_RANK", "1"), ("MASTER_ADDR", "127.0.0.1")):
        monkeypatch.setenv(f"PET_{name}", value)
    monkeypatch.setenv("PET_MASTER_PORT", str(free_port()))
    ended = Ended(torchrun_agent.run_agent("tune"), tmp_path / "outcome.json")
    assert (ended.exit_code, ended.failure["class"]) == (75, "Unavailable")


def test_a_pod_reports_the_process_that_failed_by_itself() -> None:
    def outcome(failure_class: str) -> dict[str, Any]:
        return {"ok": False, "failure": {"class": failure_class}}

    ends = [(1, outcome("GpuOutOfMemory")), (-9, None), (75, outcome("NodeLost")), (-15, None)]
    assert [torchrun_agent.how_secondary(*end) for end in ends] == [0, 1, 2, 3]
    assert torchrun_agent.how_secondary(143, None) == 3
