"""A model with less in its weights, for tests of what a gate makes of it.

Run: python -m tests.compressed_model BASE OUT int8|prune30
"""

from __future__ import annotations

import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def round_to_int8(weight: torch.Tensor) -> torch.Tensor:
    """What weight-only int8 computes with: 255 steps for each output channel, around zero."""
    step = weight.abs().amax(dim=1, keepdim=True) / 127
    return torch.round(weight / step).clamp(-127, 127) * step


def prune(weight: torch.Tensor, share: float = 0.3) -> torch.Tensor:
    """Without the smallest `share` of the weights, by magnitude (Han et al., 2015)."""
    least = weight.abs().flatten().kthvalue(int(weight.numel() * share)).values
    return weight * (weight.abs() > least)


def main(base: str, out: str, how: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    change = {"int8": round_to_int8, "prune30": prune}[how]
    with torch.no_grad():
        for name, layer in model.named_modules():
            if isinstance(layer, torch.nn.Linear) and "lm_head" not in name:
                layer.weight.copy_(change(layer.weight))
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(base).save_pretrained(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
