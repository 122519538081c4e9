"""Writes trained weights as an official-format checkpoint in half precision.

    python -m training.export --weights /tmp/train/image/best.pt --out models/mini/mini.pt

The file is a torch.save zip of {"model": state_dict}, names and shapes as in the official checkpoints, all f16.
"""

import argparse
import pathlib

import torch

from training.model import build_model

LIMIT = 16 * 1000 * 1000


def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--out", type=pathlib.Path, default=here / "models/mini/mini.pt")
    arguments = parser.parse_args()
    state = torch.load(arguments.weights, map_location="cpu", weights_only=True)["model"]
    build_model(arguments.config).load_state_dict(state)
    half = {name: value.half().contiguous().clone() for name, value in state.items()}
    broken = [name for name, value in half.items() if not torch.isfinite(value).all()]
    if broken:
        raise SystemExit(f"{arguments.weights}: not finite in f16: {', '.join(broken)}; train on, do not ship these")
    torch.save({"model": half}, arguments.out)
    size = arguments.out.stat().st_size
    print(f"{arguments.out}: {sum(v.numel() for v in half.values())} parameters, {size} bytes")
    if size > LIMIT:
        raise SystemExit(f"{arguments.out}: {size} bytes is more than {LIMIT}; choose a smaller YAML")


if __name__ == "__main__":
    main()
