"""Runs samc on the set that evaluate_images --write made, and compares its mIoU with PyTorch's.

    python -m training.evaluate_images --cache CACHE --write /tmp/set
    python -m training.compare_samc --samc build/samc --set /tmp/set --out training/figures/samc.json

Speed is taken from `samc bench`: --encoder-ms and --prompt-ms put what it said into the same file.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import cv2
import numpy as np

from training.evaluate_images import iou_of


def samc_ious(samc, model, precision, folder, prompts, threads):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        command = [samc, "segment", folder / "pictures", "--prompts", folder / f"{prompts}.json", "--model", model]
        command += ["--masks-dir", scratch, "--json", scratch / "masks.json", "--threads", str(threads), "--quiet"]
        command += ["--precision", precision]
        subprocess.run([str(part) for part in command], check=True)
        result = {}
        for entry in json.loads((scratch / "masks.json").read_text())["pictures"]:
            stem = pathlib.Path(entry["image"]).stem
            best = entry["prompts"][0]["best"]
            own = cv2.imread(str(scratch / f"{stem}_prompt0_mask{best}.png"), cv2.IMREAD_GRAYSCALE)
            mask = cv2.imread(str(folder / "masks" / f"{stem}.png"), cv2.IMREAD_GRAYSCALE)
            result[stem] = iou_of(own > 127, mask > 127)
    return [result[stem] for stem in sorted(result)]


def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samc", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, default=here / "models/mini/mini.pt")
    parser.add_argument("--set", type=pathlib.Path, required=True)
    parser.add_argument("--precision", default="f32", help="f32 or bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--encoder-ms", type=float)
    parser.add_argument("--prompt-ms", type=float)
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch_ious = json.loads((arguments.set / "torch.json").read_text())
    figures = {}
    for prompts in ("click", "box"):
        ious = samc_ious(arguments.samc, arguments.model, arguments.precision, arguments.set, prompts,
                         arguments.threads)
        figures[prompts] = float(np.mean(ious))
        figures[f"{prompts}_torch"] = float(np.mean(torch_ious[prompts]))
        figures[f"{prompts}_worst_object"] = float(np.abs(np.subtract(ious, torch_ious[prompts])).max())
    figures["difference"] = max(abs(figures[p] - figures[f"{p}_torch"]) for p in ("click", "box"))
    for key in ("encoder_ms", "prompt_ms"):
        if getattr(arguments, key) is not None:
            figures[key] = getattr(arguments, key)
    print(json.dumps(figures, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
