"""What a model answers to held-out prompts, how likely it finds the true answers, and how fast it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from ..data.prepared_dataset import Example
from ..training.language_model import device, encode, fast_dtype, load_model, load_tokenizer
from .answer import Answer, Timing

# On one CPU thread larger batches are no faster, and smaller ones read the weights more often.
BATCH = 16
# A GPU answers 128 small questions in the time of 16. Of long ones, and of large models, so many
# would not fit: no batch has more tokens than this, padding and answers included, unless one
# question has.
GPU_BATCH = 128
GPU_BATCH_TOKENS = 16_384


class Encoded(NamedTuple):
    """A question's ID, the token IDs of its prompt, and those of its true completion if it has one."""

    id: str
    prompt: list[int]
    completion: list[int]


class Answerer:
    """A model that answers greedily: the same examples, in any order, give the same answers."""

    def __init__(self, reference: str, field: str) -> None:
        self.tokenizer = load_tokenizer(reference, field)
        self.model = load_model(reference, field, fast_dtype())

    def answer_all(
        self, examples: list[Example], max_new_tokens: int, progressed: Callable[[int], None]
    ) -> list[Answer]:
        """One answer for each example, in order.

        Calls `progressed` with the number of examples in each batch that is done.
        """
        encoded = [
            Encoded(e["id"], *encode(self.tokenizer, e["prompt"], e["completion"]))
            for e in examples
        ]
        answers: dict[str, Answer] = {}
        for batch in batches(encoded, max_new_tokens, device()):
            texts = self.generate([example.prompt for example in batch], max_new_tokens)
            for example, text, nll in zip(batch, texts, self.score(batch), strict=True):
                answers[example.id] = {
                    "id": example.id,
                    "text": text,
                    "promptTokens": len(example.prompt),
                    "nll": nll,
                    "tokens": len(example.completion),
                }
            progressed(len(batch))
        return [answers[example["id"]] for example in examples]

    def answer_prompts(
        self, prompts: dict[str, str], max_new_tokens: int, progressed: Callable[[int], None]
    ) -> list[str]:
        """The text of the answer to each prompt, in order; the keys name them."""
        encoded = [Encoded(i, encode(self.tokenizer, p, "")[0], []) for i, p in prompts.items()]
        answers: dict[str, str] = {}
        for batch in batches(encoded, max_new_tokens, device()):
            texts = self.generate([question.prompt for question in batch], max_new_tokens)
            answers.update(zip([question.id for question in batch], texts, strict=True))
            progressed(len(batch))
        return [answers[name] for name in prompts]

    def generate(self, prompts: list[list[int]], max_new_tokens: int) -> list[str]:
        made = self.continue_greedily(prompts, max_new_tokens)
        return [
            text.strip() for text in self.tokenizer.batch_decode(made, skip_special_tokens=True)
        ]

    @torch.inference_mode()
    def continue_greedily(self, prompts: list[list[int]], max_new_tokens: int) -> torch.Tensor:
        """New token IDs, (prompts, at most max_new_tokens), padded after the end."""
        batch = self.tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(device())
        whole: torch.Tensor = self.model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        return whole[:, batch["input_ids"].shape[1] :]

    @torch.inference_mode()
    def score(self, batch: list[Encoded]) -> list[float]:
        """The negative log-likelihood, in nats, of each true completion after its prompt."""
        sequences = [example.prompt + example.completion for example in batch]
        padded = self.tokenizer.pad({"input_ids": sequences}, return_tensors="pt").to(device())
        mask = padded["attention_mask"]
        longest = max(len(example.completion) for example in batch)
        logits = self.model(
            input_ids=padded["input_ids"],
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            logits_to_keep=longest + 1,
        ).logits[:, :-1]
        # Token by token, for the loss over whole sequences has no deterministic kernel on a GPU.
        nll = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1),
            padded["input_ids"][:, -longest:].flatten(),
            reduction="none",
        ).view(len(batch), longest)
        return [
            row[longest - len(example.completion) :].double().sum().item()
            for example, row in zip(batch, nll, strict=True)
        ]

    def time_requests(
        self, examples: list[Example], max_new_tokens: int, progressed: Callable[[int], None]
    ) -> list[Timing]:
        """Ask each example alone, one after the other."""
        timings: list[Timing] = []
        for example in examples:
            prompt, _ = encode(self.tokenizer, example["prompt"], example["completion"])
            began = time.perf_counter()
            made = self.continue_greedily([prompt], max_new_tokens)
            seconds = time.perf_counter() - began
            timings.append({"seconds": seconds, "tokens": made.shape[1]})
            progressed(1)
        return timings


def batches(encoded: list[Encoded], max_new_tokens: int, where: str) -> Iterator[list[Encoded]]:
    """Questions of similar length together, so that little is padded; their order does not matter."""
    most, room = (GPU_BATCH, GPU_BATCH_TOKENS) if where == "cuda" else (BATCH, sys.maxsize)
    batch: list[Encoded] = []
    longest = 0
    for example in sorted(encoded, key=lambda example: (len(example.prompt), example.id)):
        length = len(example.prompt) + max(len(example.completion), max_new_tokens)
        longest = max(longest, length)
        if batch and (len(batch) == most or (len(batch) + 1) * longest > room):
            yield batch
            batch, longest = [], length
        batch.append(example)
    if batch:
        yield batch
