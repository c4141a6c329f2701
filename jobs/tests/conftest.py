"""A tiny model with a trained tokenizer, a small data set, and ways to run a stage on them."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

# Forked Jobs must not inherit a pool of threads, and tiny products gain nothing from one.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from tuneline_jobs.__main__ import main
from tuneline_jobs.language_model import silence_libraries
from tuneline_jobs.prepared_dataset import digest_of_dataset
from tuneline_jobs.storage import uri_of, write_json_lines

from .mlflow_server import TrackingServer

silence_libraries()

WORDS = "fast small library parser network image sound python data tool server client graph".split()
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of some 30,000 random weights, with a byte-level tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<end>", "<user>", "<assistant>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    rng = random.Random(0)
    tokenizer.train_from_iterator([sentence(rng, 20) for _ in range(50)], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A dataset as `prepare` leaves it: 40 examples to train on and 12 held out."""
    folder = tmp_path_factory.mktemp("prepared")
    rng = random.Random(1)
    examples = [
        {
            "id": f"{number:016x}",
            "prompt": f"Summarize: {sentence(rng, 8)}",
            "completion": sentence(rng, 4),
            "group": str(number),
            "source": number + 1,
        }
        for number in range(52)
    ]
    write_json_lines(folder / "train.jsonl", examples[:40])
    write_json_lines(folder / "heldout.jsonl", examples[40:])
    return {"uri": uri_of(folder), "digest": digest_of_dataset(folder)}


class Ended:
    """How a Job ended: its exit code and its outcome (empty where it left none)."""

    def __init__(self, exit_code: int, termination: Path) -> None:
        self.exit_code = exit_code
        self.outcome: dict[str, Any] = (
            json.loads(termination.read_bytes()) if termination.exists() else {}
        )

    @property
    def failure(self) -> dict[str, str]:
        found: dict[str, str] = self.outcome["failure"]
        return found

    @property
    def figures(self) -> dict[str, float]:
        assert self.exit_code == 0, self.outcome
        found: dict[str, float] = self.outcome["figures"]
        return found


class JobRunner:
    """Runs stages in this process, where the libraries are loaded already."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.termination = folder / "outcome.json"
        self.monkeypatch = monkeypatch

    def __call__(self, spec: dict[str, Any]) -> Ended:
        self.termination.unlink(missing_ok=True)
        self.monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(self.termination))
        self.monkeypatch.setenv("TUNELINE_JOB", json.dumps(spec))
        return Ended(main([spec["stage"]]), self.termination)

    def fork(self, spec: dict[str, Any]) -> int:
        """Start the Job in a process of its own, which a test may kill; returns its PID."""
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(self(spec).exit_code)
            except SystemExit as end:
                os._exit(int(end.code or 0))
        return pid


@pytest.fixture
def run_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import signal

    handler = signal.getsignal(signal.SIGTERM)
    yield JobRunner(tmp_path, monkeypatch)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def mlflow_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    server = TrackingServer(tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    yield server
    server.close()
