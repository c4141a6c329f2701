"""What this process may use of the machine, and what it used."""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings

from .outcome import say


def silence_libraries() -> None:
    """No progress bars, no telemetry, no chatter: a Job's log is for its own lines.

    Call it before anything imports transformers or datasets: they read this once.
    """
    # Deprecations inside the libraries are for whoever raises their pins, not for a Job's reader.
    warnings.simplefilter("ignore", FutureWarning)
    os.environ.update(
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_DISABLE_PROGRESS_BARS="1",
        DO_NOT_TRACK="1",
        TOKENIZERS_PARALLELISM="false",
        TRANSFORMERS_VERBOSITY="error",
        TRL_EXPERIMENTAL_SILENCE="1",
        TQDM_DISABLE="1",
    )


def has_gpu() -> bool:
    """Whether this process can compute on a GPU, with what it has imported so far."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())


def peak_memory_gib() -> float:
    """The most memory this process held: the GPU's where it used one, else the machine's."""
    if has_gpu():
        return float(sys.modules["torch"].cuda.max_memory_allocated()) / 2**30
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def use_best_threads() -> None:
    """Compute on as many threads as are fastest: on shared or virtual cores more can be much slower.

    `OMP_NUM_THREADS`, where it is set, is taken as decided.
    """
    import torch

    if "OMP_NUM_THREADS" in os.environ or torch.cuda.is_available():
        return
    available = torch.get_num_threads()
    candidates = [n for n in (1, 2, 4, 8, 16, 32, 64) if n < available] + [available]
    best = min(candidates, key=seconds_with)
    torch.set_num_threads(best)
    say(f"Computing on {best} of {available} threads.")


def compute_reproducibly(seed: int) -> None:
    """From here on the same inputs give the same bits, on this machine and with these libraries.

    An operation that only has a kernel whose sums depend on timing then raises.
    """
    import torch

    # What cuBLAS needs for it, read when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written, and filling all of it takes a sixth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False


def seconds_with(threads: int) -> float:
    """How long a product of the size that small models make takes with so many threads."""
    import torch

    torch.set_num_threads(threads)
    left, right = torch.ones(512, 576), torch.ones(576, 1536)
    torch.relu(left @ right)
    began = time.perf_counter()
    for _ in range(30):
        torch.relu(left @ right)
    return time.perf_counter() - began
