"""A base model that trains in milliseconds a step: `python -m tests.tiny_model FOLDER` makes one."""

from __future__ import annotations

import random
import sys
from pathlib import Path

WORDS = [
    "fast",
    "small",
    "library",
    "parser",
    "network",
    "image",
    "sound",
    "data",
    "tool",
    "server",
]
TINY = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def make_tiny_model(folder: Path, **shape: int) -> None:
    """A Llama of some 30,000 random weights, with a byte-level tokenizer and a chat template.

    `shape` are settings of LlamaConfig that make it another size.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

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
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        **(TINY | shape),
    )
    model = LlamaForCausalLM(config)
    # So few weights like best to say nothing at all, and a smoke test rightly refuses that.
    silent = [token for token in range(len(fast)) if not fast.decode([token]).strip()]
    model.generation_config.suppress_tokens = [0, 1, 2, *silent]
    model.save_pretrained(folder)


if __name__ == "__main__":
    make_tiny_model(Path(sys.argv[1]))
