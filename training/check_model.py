"""Checks the model of training/model against what the official code gave: names, shapes, and numbers for each prompt.

    python -m training.check_model

The reference is the small test model of tests/data/pico and its golden outputs for tests/data/images/truck.jpg.
"""

import json
import pathlib

import cv2
import numpy as np
import torch

from training.evaluate_images import Predictor, load_weights

HERE = pathlib.Path(__file__).parent.parent / "tests/data"
TOLERANCE = 2e-3
PROMPTS = {
    "point": ([[500, 375]], [1]),
    "points_pos_neg": ([[500, 375], [1125, 625]], [1, 0]),
    "box": ([[425, 600], [700, 875]], [2, 3]),
    "box_neg": ([[425, 600], [700, 875], [575, 750]], [2, 3, 0]),
}


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    model = load_weights(HERE / "pico/pico.yaml", HERE / "pico/pico.pt", "cpu")
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    official = json.loads((HERE / "state_dicts/pico.json").read_text())
    if shapes != official:
        wrong = sorted(name for name in shapes.keys() | official.keys() if shapes.get(name) != official.get(name))
        raise SystemExit(f"state_dict differs from the official one in {', '.join(wrong)}")
    golden = np.load(HERE / "pico/golden.npz")
    predictor = Predictor(model, "cpu")
    predictor.set_picture(np.ascontiguousarray(cv2.imread(str(HERE / "images/truck.jpg"))[..., ::-1]))
    worst = 0.0
    for name, (points, labels) in PROMPTS.items():
        scale = torch.tensor([model.image_size / predictor.width, model.image_size / predictor.height])
        points = torch.tensor([points], dtype=torch.float32) * scale
        masks, iou, _, _ = model.decode(predictor.features, points, torch.tensor([labels]))
        want = golden[f"predict.{name}.multi.low_res"]
        difference = float(np.abs(masks[0, 1:].clamp(-32, 32).numpy() - want).max() / np.abs(want).max())
        difference = max(difference, float(np.abs(iou[0, 1:].numpy() - golden[f"predict.{name}.multi.iou"]).max()))
        print(f"{name:16} largest difference {difference:.2e}")
        worst = max(worst, difference)
    if worst > TOLERANCE:
        raise SystemExit(f"the model differs from the official code by {worst:.2e}, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
