"""Writes tracked_masks.npz: what the official code tracks through the two clips beside this file with samc-mini.

    git clone https://github.com/facebookresearch/sam2
    python tests/data/vos/record_masks.py sam2/tools/vos_inference.py

vos_separate_inference_per_object() runs as it is, on the CPU in f32: each object on its own, from the first frame that has
it. Needs what tests/data/video/official.py needs. Keys: SEQUENCE, (frames, height, width) of labels; SEQUENCE.unsure, bool,
the pixels where a logit that decides is within 0.05 of 0 or of the other object's: they may turn in another arithmetic.
"""

import importlib.util
import pathlib
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

UNSURE = 0.05
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "video"))
import official  # noqa: E402

# The tool asks for CUDA when it is imported, in the decorators of its functions.
torch.autocast = lambda *_, **__: torch.inference_mode()
spec = importlib.util.spec_from_file_location("vos_inference", sys.argv[1])
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

predictor = official.build("models/mini/mini.yaml", "models/mini/mini.pt", {"non_overlap_masks": True})
logits = []
constrain = predictor._apply_non_overlapping_constraints


def keep_logits(scores):
    logits.append(scores.clone())
    return constrain(scores)


arrays = {}
for name in ("crossing", "late"):
    logits.clear()
    with tempfile.TemporaryDirectory() as output:
        # Of one object alone the constraint is nothing, so every call with two is that of the merged masks.
        predictor._apply_non_overlapping_constraints = keep_logits
        tool.vos_separate_inference_per_object(
            predictor, str(HERE / "dataset/JPEGImages/480p"), str(HERE / "dataset/Annotations/480p"), output, name)
        frames = sorted(pathlib.Path(output, name).glob("*.png"))
        labels = np.stack([np.array(Image.open(frame)) for frame in frames])
    merged = torch.stack([scores for scores in logits if scores.shape[0] == 2])[:, :, 0]
    assert len(merged) == len(labels)
    top, second = merged.max(1).values, merged.min(1).values
    margin = torch.minimum(top.abs(), torch.where(top > 0, top - second, torch.inf))
    arrays[name] = labels
    arrays[f"{name}.unsure"] = (margin < UNSURE).numpy()
np.savez_compressed(HERE / "tracked_masks.npz", **arrays)
