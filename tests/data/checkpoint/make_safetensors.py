"""Writes dtypes.safetensors: a tensor of each type that samc reads, as Hugging Face's library writes it.

    pip install torch safetensors
    python tests/data/checkpoint/make_safetensors.py
"""

import pathlib

import torch
from safetensors.torch import save_file

g = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
tensors = {
    "f32": g.clone(),
    "f16": (g / 2).half(),
    "bf16": (g / 2).bfloat16(),
    "f64": g.double() / 4,
    "i64": g.long() - 5,
    "i32": g.int(),
    "i16": g.short(),
    "i8": g.to(torch.int8),
    "u8": g.to(torch.uint8),
    "bool": g > 11,
}
save_file(tensors, pathlib.Path(__file__).parent / "dtypes.safetensors", metadata={"format": "pt"})
