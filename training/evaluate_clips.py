"""Scores tracking on held-out composed clips: two objects, 30 frames, boxes in the first frame, mean J of the others.

    python -m training.evaluate_clips --cache /tmp/train --count 40

The set is made by training.data.clips with --held-out --seed 900 --count 40 --frames 30. A frame where the object is
out of sight counts 1 if nothing is shown and 0 otherwise.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from training import prompts
from training.evaluate_images import HELD_OUT_SEED, iou_of, load_weights
from training.model import build_model
from training.tracking import Tracker


@torch.no_grad()
def score_clip(model, pictures, ids, objects, device):
    """The IoUs (objects, frames - 1) of one clip."""
    size = pictures.shape[1]
    masks = [ids == number for number in objects]
    boxes = np.stack([prompts.tight_box(mask[0]) for mask in masks]).reshape(-1, 2, 2)
    points = torch.from_numpy(boxes).to(device) * (model.image_size / size)
    labels = torch.tensor([[2, 3]], device=device).repeat(len(objects), 1)
    tracker = Tracker(model, len(pictures))
    result = []
    for index, picture in enumerate(pictures):
        x = model.normalise(torch.from_numpy(np.array(picture)).to(device)[None])
        if size != model.image_size:
            x = F.interpolate(x, size=(model.image_size, model.image_size), mode="bilinear", antialias=True)
        features = [feature.expand(len(objects), -1, -1, -1) for feature in model.encode_image(x)]
        frame = tracker.start(features, points, labels) if index == 0 else tracker.follow(features)
        if index:
            full = F.interpolate(frame.chosen.float(), size=(size, size), mode="bilinear")[:, 0] > 0
            result.append([iou_of(own.cpu().numpy(), mask[index]) for own, mask in zip(full, masks)])
    return np.array(result).T


def score_shard(model, folder, count, device):
    pictures, ids, objects = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("pictures", "ids", "objects"))
    return np.stack([score_clip(model, pictures[i], ids[i], objects[i], device) for i in range(min(count, len(ids)))])


def quick_score(weights, arguments, device, count=8):
    """Mean J on a few held-out clips for the training log, with the arguments of the training."""
    model = build_model(arguments.config, arguments.image_size).to(device).eval()
    model.load_state_dict(weights)
    folder = arguments.cache / f"clips_held_out_{arguments.shard_size}_30" / f"{HELD_OUT_SEED:03}_0000"
    return float(score_shard(model, folder, count, device).mean())


def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, default=here / "models/mini/mini.pt")
    parser.add_argument("--shard-size", type=int, default=256)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load_weights(arguments.config, arguments.weights, arguments.device)
    folder = arguments.cache / f"clips_held_out_{arguments.shard_size}_30" / f"{HELD_OUT_SEED:03}_0000"
    scores = score_shard(model, folder, arguments.count, arguments.device)
    figures = {"mean_j": float(scores.mean()), "clips": len(scores), "objects": int(scores.shape[1])}
    print(json.dumps(figures, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
