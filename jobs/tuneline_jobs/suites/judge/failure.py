"""What it means that a judge gave no verdict: whom to blame, and whether it helps to try again."""

from __future__ import annotations

import os

from ...runtime.outcome import BadSpec, JobFailure, TryAgain
from ...runtime.tracking import summary

KEY_VARIABLE = "TUNELINE_JUDGE_API_KEY"
# Whoever writes a spec may name any address; the key goes to this one alone.
KEY_ADDRESS_VARIABLE = "TUNELINE_JUDGE_ADDRESS"
REFUSED_KEY = (401, 403)
# Like every 5xx they are about now, not about the question.
BUSY = (408, 409, 425, 429)


def key_for(address: str) -> str | None:
    """The judge's key, if it is meant for this address."""
    meant = os.environ.get(KEY_ADDRESS_VARIABLE, "").rstrip("/")
    return os.environ.get(KEY_VARIABLE) if meant == address else None


def failure_of(error: Exception, model: str, address: str) -> JobFailure | None:
    """None where an answer came that can't be read; raises `error` where it is none of the judge's."""
    import requests
    from mlflow.exceptions import MlflowException

    cause = error.__cause__
    # The one thing that the library does not keep in its own error: its codes are the same for 404 and 429.
    status = getattr(cause, "status_code", None)
    if isinstance(status, int):
        return refusal(status, model, address, without_key(summary(error)))
    if isinstance(cause, requests.JSONDecodeError):
        return None
    if isinstance(cause, (requests.ConnectionError, requests.Timeout)):
        return TryAgain(f"The judge at {address} can't be reached: {without_key(summary(error))}")
    if isinstance(cause, requests.RequestException):
        return BadSpec(f"judge.address: {address} can't be asked: {without_key(summary(error))}")
    # What the library raises over an answer without the fields that it asked for.
    if isinstance(error, (MlflowException, KeyError, TypeError, AttributeError)):
        return None
    raise error


def refusal(status: int, model: str, address: str, message: str) -> JobFailure:
    if status >= 500 or status in BUSY:
        return TryAgain(f"The judge at {address} gave no answer, HTTP {status}: {message}")
    if status in REFUSED_KEY:
        what = (
            f"does not take the key in {KEY_VARIABLE}"
            if key_for(address)
            else f"wants a key, expected in {KEY_VARIABLE} with this address in {KEY_ADDRESS_VARIABLE}"
        )
        return BadSpec(f"judge.address: {address} {what}, HTTP {status}: {message}")
    return BadSpec(
        f"judge.model: {address} does not let {model} judge, HTTP {status}: {message}; expected the base "
        "URL of an OpenAI-compatible API, such as https://HOST/v1, and a model as it is called there."
    )


def without_key(text: str) -> str:
    """A server may quote what it refuses, and a failure's message is kept."""
    key = os.environ.get(KEY_VARIABLE)
    return text.replace(key, "…") if key else text
