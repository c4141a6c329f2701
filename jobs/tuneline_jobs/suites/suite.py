"""The seam between the evaluate stage and what it asks beside the held-out examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..data.prepared_dataset import Example
from ..evaluation.answer import Answer
from ..evaluation.cache import Progress
from ..evaluation.evaluated_models import EvaluatedModel
from ..evaluation.evidence import Evidence
from ..evaluation.samples import Outcomes
from ..runtime.job_specs import EvaluateSpec, ExploreSpec
from ..runtime.storage import output_folder

if TYPE_CHECKING:
    from ..evaluation.generation import Answerer

Row = dict[str, Any]
# By role.
Models = dict[str, EvaluatedModel]


class Suite(Protocol):
    """What is asked of every model of an evaluation. The stage calls the methods in this order.

    A suite overrides what it needs: by default a method does nothing. One that fails raises; no answer
    is left out. A model that plays two roles is asked once.
    """

    # Figures of this suite that the stage's outcome names, and tables that it gives as outputs.
    headlines: tuple[str, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()

    def ask_first(self, models: Models) -> None:
        """Ask what needs no model in this process's memory, and check what could fail later."""
        return

    def requests(self) -> int:
        """How many questions `ask` has for each model."""
        return 0

    def ask(self, model: EvaluatedModel, answerer: Answerer, progressed: Progress) -> None:
        """Ask a model that is loaded."""
        return

    def read(self, model: EvaluatedModel, answers: list[Answer]) -> None:
        """Read a model's answers to the examples, after all models have answered."""
        return

    def outcomes(self, model: EvaluatedModel) -> Outcomes:
        return Outcomes()

    def add(self, evidence: Evidence, models: Models) -> None:
        """Put what else was found into the evidence."""
        return

    def tables(self, models: Models) -> dict[str, list[Row]]:
        """Tables for a person, by file name."""
        return {}

    def keep_files(self, folder: Path, models: Models) -> list[str]:
        """Write files of other formats beside the evidence, and return their names."""
        return []


Load = Callable[[EvaluateSpec, list[Example]], Suite]
Check = Callable[[ExploreSpec], None]


class KnownSuite(NamedTuple):
    """A suite of the table: `load` makes it for the evaluate stage.

    Explore, the first stage, calls `check`, which raises where `load` would fail hours later.
    """

    load: Load
    check: Check | None = None


# By the field of the spec that asks for it. Figures stand in the evidence in this order.
Suites = dict[str, KnownSuite]


def load_judge(spec: EvaluateSpec, examples: list[Example]) -> Suite:
    from .judge.suite import JudgeSuite

    assert spec.judge
    return JudgeSuite(spec.judge, spec, examples)


def load_attacks(spec: EvaluateSpec, examples: list[Example]) -> Suite:
    from .attacks.suite import AttackSuite

    assert spec.attacks
    return AttackSuite(spec.attacks, spec.cache, examples)


def load_harness(spec: EvaluateSpec, _: list[Example]) -> Suite:
    from .harness.suite import HarnessSuite

    assert spec.harness
    return HarnessSuite(spec.harness, spec)


def check_harness(spec: ExploreSpec) -> None:
    from .harness.tasks import find_tasks

    assert spec.harness
    find_tasks(spec.harness.tasks, spec.harness.include_path)


def load_garak(spec: EvaluateSpec, _: list[Example]) -> Suite:
    from .garak.suite import GarakSuite

    assert spec.garak
    return GarakSuite(spec.garak.probes, spec)


def check_garak(spec: ExploreSpec) -> None:
    from .garak.program import find_program

    assert spec.garak
    find_program(spec.garak.probes, output_folder(spec.output) / "garak")


SUITES: Suites = {
    "judge": KnownSuite(load_judge),
    "attacks": KnownSuite(load_attacks),
    "harness": KnownSuite(load_harness, check_harness),
    "garak": KnownSuite(load_garak, check_garak),
}


def check_suites(spec: ExploreSpec, table: Suites) -> None:
    """Check the suites that the spec names. Raises BadSpec for one that evaluate could not load."""
    for name, suite in table.items():
        if suite.check and getattr(spec, name, None):
            suite.check(spec)


def load_suites(spec: EvaluateSpec, examples: list[Example], table: Suites) -> list[Suite]:
    """The suites that the spec names. Raises what is wrong with them before any model is asked."""
    return [suite.load(spec, examples) for name, suite in table.items() if getattr(spec, name)]
