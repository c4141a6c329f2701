"""The models that an evaluation compares: that they are the ones meant, and how large they are."""

from __future__ import annotations

from typing import NamedTuple

from ..runtime.job_specs import EvaluateSpec
from ..runtime.outcome import BadData, BadSpec
from ..runtime.storage import digest_of_folder, digest_of_text, path_of

CANDIDATE = "candidate"


class EvaluatedModel(NamedTuple):
    """A model, the digest of what is there, and the bytes of its folder (None on the hub)."""

    uri: str
    digest: str
    size_bytes: int | None


def check_models(spec: EvaluateSpec) -> dict[str, EvaluatedModel]:
    """The models by role, each of which must be what was expected; one of them is the candidate."""
    models: dict[str, EvaluatedModel] = {}
    for index, expected in enumerate(spec.models):
        role = expected.role
        if role in models:
            raise BadSpec(f"models[{index}].role: there is a {role} already; expected one of each.")
        model = look_at(expected.uri, f"models[{index}].uri")
        if expected.digest != model.digest:
            raise BadData(
                f"models[{index}].digest: {model.uri} holds {model.digest}, "
                f"expected {expected.digest}; it is not the model that was meant."
            )
        models[role] = model
    if CANDIDATE not in models:
        raise BadSpec("models: there is no candidate; expected one model with that role.")
    return models


def look_at(uri: str, field: str) -> EvaluatedModel:
    """A model's folder as it is; the name of a model on the hub has to do for its digest."""
    if "://" not in uri:
        return EvaluatedModel(uri, digest_of_text(uri), None)
    folder = path_of(uri, field)
    if not folder.is_dir():
        raise BadData(f"{field}: there is no folder {folder}.")
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return EvaluatedModel(uri, digest_of_folder(folder), size_bytes)


def distinct(models: dict[str, EvaluatedModel]) -> list[EvaluatedModel]:
    """Each model once, also one that plays two roles."""
    return list({model.digest: model for model in models.values()}.values())
