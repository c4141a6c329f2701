"""Turn a packaged GGUF model into an ordinary transformers folder, once.

`python -m tuneline_jobs import-base GGUF_FOLDER DESTINATION`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..runtime.outcome import BadSpec, say
from ..runtime.process import silence_libraries
from ..runtime.storage import appearing_whole


def import_base(source: str, destination: str) -> None:
    """Write `destination` (safetensors in bfloat16, tokenizer, chat template) unless it exists.

    A GGUF quantized to four bits was rounded far more coarsely than bfloat16 rounds.
    """
    folder = Path(destination)
    if (folder / "config.json").is_file():
        say(f"{folder} is there already.")
        return
    files = sorted(Path(source).glob("*.gguf"))
    if len(files) != 1:
        raise BadSpec(f"{source}: expected a folder with one .gguf file, found {len(files)}.")
    silence_libraries()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    say(f"Reading {files[0].name} …")
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=files[0].name)
    quantized: Any = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=files[0].name, dtype=torch.bfloat16
    )
    config = quantized.config
    # The loader notes where the weights came from; the copy is not quantized any more.
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = torch.bfloat16
    model: Any = type(quantized)(config).to(torch.bfloat16)
    model.load_state_dict(quantized.state_dict())
    model.tie_weights()
    say(f"Writing {folder} …")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with appearing_whole(folder) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    say(f"{model.num_parameters() / 1e6:.0f} million parameters in {folder}.")
