"""Opening models and tokenizers, and turning a prompt and its completion into token IDs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runtime.outcome import BadSpec, TryAgain
from ..runtime.process import silence_libraries
from ..runtime.storage import path_of

if TYPE_CHECKING:
    import torch


def locate(reference: str, field: str) -> str:
    """What `from_pretrained` takes for a `file:///` URI or a hub ID (`org/name`).

    A reference to files keeps the process off the network altogether.
    """
    if "://" not in reference:
        return reference
    folder = path_of(reference, field)
    if not (folder / "tokenizer_config.json").is_file():
        raise BadSpec(
            f"{field}: no model with its tokenizer in {folder}; expected a folder that "
            "transformers wrote, or a hub ID."
        )
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    return str(folder)


def load_tokenizer(reference: str, field: str) -> Any:
    """The tokenizer of a model, with a padding token and padding on the left, as generation needs."""
    silence_libraries()
    location = locate(reference, field)
    from transformers import AutoTokenizer

    with failing_clearly(reference, field):
        tokenizer = AutoTokenizer.from_pretrained(location, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_token_counter(reference: str, field: str) -> Any:
    """The tokenizer for stages that run no model: from its own file where that is there.

    AutoTokenizer imports torch on the way: 3.8 s in place of 0.8.
    """
    silence_libraries()
    location = locate(reference, field)
    if not (Path(location) / "tokenizer.json").is_file():
        return load_tokenizer(reference, field)
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(location)


def load_model(reference: str, field: str, dtype: torch.dtype | None = None) -> Any:
    """The model in evaluation mode, on a GPU if there is one; `dtype` None keeps its own."""
    silence_libraries()
    location = locate(reference, field)
    from transformers import AutoModelForCausalLM

    with failing_clearly(reference, field):
        model: Any = AutoModelForCausalLM.from_pretrained(
            location,
            dtype=dtype or "auto",
            use_safetensors=True,
            local_files_only=Path(location).is_dir(),
        )
    return model.to(device()).eval()


@contextmanager
def failing_clearly(reference: str, field: str) -> Iterator[None]:
    """Tell a hub that can't be reached from a model that is not there."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        yield
    except OSError as error:
        if isinstance(error.__cause__, LocalEntryNotFoundError):
            raise TryAgain(f"{field}: the hub can't be reached for {reference}.") from None
        message = str(error).strip().partition("\n")[0]
        raise BadSpec(f"{field}: {reference} can't be loaded, {message}") from None


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def computed_on() -> str:
    """What two computations must have in common for the same weights to give the same numbers."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} {fast_dtype()} torch {torch.__version__}"
    return f"{torch.backends.cpu.get_cpu_capability()} {fast_dtype()} torch {torch.__version__}"


def fast_dtype() -> torch.dtype:
    """bfloat16 on a GPU that multiplies it natively, else float32.

    Measured on a CPU with AVX-512 BF16 (SmolLM2-135M, batches of four to sixteen): a training step
    takes 1.9 times as long in bfloat16 as in float32, and reading a prompt 1.7 times.
    """
    import torch

    if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def encode(tokenizer: Any, prompt: str, completion: str) -> tuple[list[int], list[int]]:
    """Token IDs of the prompt as the model is asked it, and of the completion with its end.

    Uses the tokenizer's chat template where it has one; without it the completion follows the prompt.
    """
    if tokenizer.chat_template is None:
        asked = tokenizer(prompt)["input_ids"]
        answer = tokenizer(completion + tokenizer.eos_token, add_special_tokens=False)
        return asked, answer["input_ids"]
    user = [{"role": "user", "content": prompt}]
    asked = tokenizer.apply_chat_template(user, add_generation_prompt=True, return_dict=True)
    whole = tokenizer.apply_chat_template(
        [*user, {"role": "assistant", "content": completion}], return_dict=True
    )
    prompt_ids: list[int] = asked["input_ids"]
    return prompt_ids, whole["input_ids"][len(prompt_ids) :]
