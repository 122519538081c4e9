"""Loads models/mini into the official code, strictly, and compares what both make of a picture and of a short clip.

    git clone https://github.com/facebookresearch/sam2 OFFICIAL
    pip install torchvision iopath hydra-core tqdm
    python -m training.check_official --official OFFICIAL

check_model.py needs none of that and checks the same architecture against numbers that the official code gave once.
"""

import argparse
import importlib
import pathlib
import sys

import cv2
import numpy as np
import torch

from training.evaluate_images import load_weights
from training.model import load_config
from training.tracking import Tracker

REPOSITORY = pathlib.Path(__file__).parent.parent
TOLERANCE = 2e-3  # of the largest value
FRAMES = 5


def instantiate(config):
    """What hydra does with a _target_, for the nodes that such a YAML has."""
    if isinstance(config, list):
        return [instantiate(value) for value in config]
    if not isinstance(config, dict):
        return config
    values = {key: instantiate(value) for key, value in config.items() if key != "_target_"}
    if "_target_" not in config:
        return values
    if "layer_scale_init_value" in values:  # PyYAML takes 1e-6 for a string
        values["layer_scale_init_value"] = float(values["layer_scale_init_value"])
    module, name = config["_target_"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**values)


def make_clip(size):
    """A photograph that the camera moves over: FRAMES of uint8 RGB (1, size, size, 3)."""
    photo = cv2.imread(str(REPOSITORY / "tests/data/images/truck.jpg"))[..., ::-1]
    frames = [photo[100:1100, 20 * index : 1600 + 20 * index] for index in range(FRAMES)]
    frames = [cv2.resize(np.ascontiguousarray(f), (size, size), interpolation=cv2.INTER_AREA) for f in frames]
    return [torch.from_numpy(frame)[None] for frame in frames]


def official_frames(model, frames, prompt, mask):
    """The official tracking step on each frame, as its video predictor takes it."""
    outputs = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    result = []
    for index, frame in enumerate(frames):
        _, features, positions, sizes = model._prepare_backbone_features(model.forward_image(frame))
        first = index == 0
        kept = (prompt, mask) if first else (None, None)
        out = model.track_step(index, first, features, positions, sizes, *kept, outputs, len(frames))
        outputs["cond_frame_outputs" if first else "non_cond_frame_outputs"][index] = out
        result.append((out["pred_masks"], out["obj_ptr"], out["maskmem_features"]))
    return result


def own_frames(model, frames, prompt, mask):
    tracker = Tracker(model, len(frames))
    result = []
    for index, frame in enumerate(frames):
        features = model.encode_image(frame)
        if index:
            output = tracker.follow(features)
        elif mask is not None:
            output = tracker.start_with_mask(features, mask)
        else:
            output = tracker.start(features, prompt["point_coords"], prompt["point_labels"].long())
        result.append((output.chosen, tracker.pointers[-1], tracker.memories[-1]))
    return result


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=pathlib.Path, required=True, help="a checkout of facebookresearch/sam2")
    parser.add_argument("--config", type=pathlib.Path, default=REPOSITORY / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, default=REPOSITORY / "models/mini/mini.pt")
    arguments = parser.parse_args()
    sys.path.append(str(arguments.official))
    torch.set_num_threads(1)
    official = instantiate(load_config(arguments.config)).eval()
    official.binarize_mask_from_pts_for_mem_enc = True  # as the official video predictor sets it
    state = torch.load(arguments.weights, map_location="cpu", weights_only=True)["model"]
    official.load_state_dict({name: value.float() for name, value in state.items()}, strict=True)
    print(f"{arguments.weights}: the official code loads it, {len(state)} tensors, none missing, none left over")
    own = load_weights(arguments.config, arguments.weights, "cpu")
    size = own.image_size
    frames = [own.normalise(frame) for frame in make_clip(size)]
    box = torch.tensor([[[0.14, 0.27], [0.36, 0.36]]]) * size
    box = {"point_coords": box, "point_labels": torch.tensor([[2, 3]], dtype=torch.int32)}
    mask = torch.zeros(1, 1, size, size)
    mask[..., size // 4 : size // 2, size // 4 : 3 * size // 4] = 1
    worst = 0.0
    for name, prompt in (("box", (box, None)), ("mask", (None, mask))):
        both = zip(official_frames(official, frames, *prompt), own_frames(own, frames, *prompt))
        for index, (theirs, ours) in enumerate(both):
            shown = []
            for want, have in zip(theirs, ours):
                if want.shape == have.shape:
                    shown.append(float((want - have).abs().max() / want.abs().max()))
            worst = max(worst, *shown)
            figures = ", ".join(f"{value:.1e}" for value in shown)
            print(f"{name} in frame 0, frame {index}: largest differences {figures}")
    if worst > TOLERANCE:
        raise SystemExit(f"own and official code differ by {worst:.1e}, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
