"""Runs samc on the set that evaluate_images --write made, and compares its mIoU with PyTorch's.

    python -m training.evaluate_images --cache CACHE --write /tmp/set
    python -m training.compare_samc --samc build/samc --set /tmp/set --out training/figures/samc.json
    python -m training.compare_samc --samc build/samc --set /tmp/set --precision int8     also beside samc's own f32

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


def read_mask(path):
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127


def run_samc(arguments, prompts, precision, folder):
    """Writes the masks into folder; {picture's stem: number of its best mask}."""
    command = [arguments.samc, "segment", arguments.set / "pictures", "--prompts", arguments.set / f"{prompts}.json"]
    command += ["--model", arguments.model, "--masks-dir", folder, "--json", folder / "masks.json", "--quiet"]
    command += ["--threads", arguments.threads, "--precision", precision]
    subprocess.run([str(part) for part in command], check=True)
    entries = json.loads((folder / "masks.json").read_text())["pictures"]
    return {pathlib.Path(entry["image"]).stem: entry["prompts"][0]["best"] for entry in entries}


def measure(arguments, prompts):
    """IoU of each picture's best mask with its object; in another precision also with f32's best mask."""
    with tempfile.TemporaryDirectory() as scratch:
        own, f32 = pathlib.Path(scratch) / "own", pathlib.Path(scratch) / "f32"
        own.mkdir()
        f32.mkdir()
        best = run_samc(arguments, prompts, arguments.precision, own)
        ious = [iou_of(read_mask(own / f"{stem}_prompt0_mask{best[stem]}.png"),
                       read_mask(arguments.set / "masks" / f"{stem}.png")) for stem in sorted(best)]
        if arguments.precision == "f32":
            return ious, None
        best = run_samc(arguments, prompts, "f32", f32)
        names = [f"{stem}_prompt0_mask{best[stem]}.png" for stem in sorted(best)]
        return ious, [iou_of(read_mask(own / name), read_mask(f32 / name)) for name in names]


def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samc", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, default=here / "models/mini/mini.pt")
    parser.add_argument("--set", type=pathlib.Path, required=True)
    parser.add_argument("--precision", default="f32", help="f32, bf16 or int8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--encoder-ms", type=float)
    parser.add_argument("--prompt-ms", type=float)
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch_ious = json.loads((arguments.set / "torch.json").read_text())
    figures = {}
    for prompts in ("click", "box"):
        ious, beside_f32 = measure(arguments, prompts)
        figures[prompts] = float(np.mean(ious))
        figures[f"{prompts}_torch"] = float(np.mean(torch_ious[prompts]))
        figures[f"{prompts}_worst_object"] = float(np.abs(np.subtract(ious, torch_ious[prompts])).max())
        if beside_f32 is not None:
            figures[f"{prompts}_iou_with_f32"] = float(np.mean(beside_f32))
            figures[f"{prompts}_iou_with_f32_one_in_20"] = float(np.percentile(beside_f32, 5))
            figures[f"{prompts}_iou_with_f32_least"] = float(np.min(beside_f32))
    figures["difference"] = max(abs(figures[p] - figures[f"{p}_torch"]) for p in ("click", "box"))
    for key in ("encoder_ms", "prompt_ms"):
        if getattr(arguments, key) is not None:
            figures[key] = getattr(arguments, key)
    print(json.dumps(figures, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
