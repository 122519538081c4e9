"""Scores a model on held-out composed pictures: mIoU after one click, a box, and five clicks.

    python -m training.evaluate_images --cache /tmp/train --weights models/mini/mini.pt --count 500

The set is made by training.data.compose with --held-out --seed 900 --count 500 and is the same on every machine that
has the same packages. One object of each picture is prompted. --write FOLDER also writes the pictures, masks and
prompts, so that training.compare_samc can run samc on them.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from training import prompts
from training.data.shards import Shards, mask_of
from training.model import build_model

HELD_OUT_SEED = 900
STABILITY_DELTA = 0.05
STABILITY_THRESHOLD = 0.98


def held_out_objects(cache, size, count):
    """The first `count` pictures of the held-out shard with one mask each, by a rule that needs no generator."""
    shards = Shards(pathlib.Path(cache) / f"shards_held_out_{size}")
    pictures, ids, masks = shards.shards[f"{HELD_OUT_SEED:03}_0000"]
    result = []
    for index in range(min(count, len(pictures))):
        sets = [int(m) for m in masks[index] if m]
        result.append((np.asarray(pictures[index]), mask_of(ids[index], sets[index % len(sets)])))
    return result


class Predictor:
    """One picture at a time, prompts in pixels of the picture, masks of the picture's size."""

    def __init__(self, model, device):
        self.model, self.device = model, device

    def set_picture(self, picture):
        self.height, self.width = picture.shape[:2]
        size = self.model.image_size
        x = torch.from_numpy(np.array(picture)).to(self.device)[None]
        x = self.model.normalise(x)
        if (self.height, self.width) != (size, size):
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
        stride4, stride8, stride16 = self.model.encode_image(x)
        self.features = (stride4, stride8, self.model.without_memory(stride16))

    @staticmethod
    def is_stable(logits):
        """Whether the single mask hardly depends on its threshold; if not, the best of three is taken."""
        inner, outer = (logits > STABILITY_DELTA).sum(), (logits > -STABILITY_DELTA).sum()
        return outer == 0 or float(inner / outer) >= STABILITY_THRESHOLD

    def predict(self, points, labels, mask=None, multimask=False):
        """Returns (mask, its low-res logits for the next prompt, the IoU estimate)."""
        scale = torch.tensor([self.model.image_size / self.width, self.model.image_size / self.height])
        points = torch.as_tensor(points, dtype=torch.float32).view(1, -1, 2) * scale
        labels = torch.as_tensor(labels, dtype=torch.long).view(1, -1)
        masks, iou, _, _ = self.model.decode(self.features, points.to(self.device), labels.to(self.device), mask)
        best = int(iou[0, 1:].argmax()) + 1
        if not multimask and self.is_stable(masks[0, 0]):
            best = 0
        low = masks[:, best : best + 1].float()
        full = F.interpolate(low, size=(self.height, self.width), mode="bilinear")
        return (full[0, 0] > 0).cpu().numpy(), low.clamp(-32, 32), float(iou[0, best])


def iou_of(first, second):
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0


def score_object(predictor, mask, clicks=5):
    """IoUs of one object: after each click, and for its tight box (single mask and best of three by estimate)."""
    x, y, _ = prompts.innermost_point(mask)
    points, labels = [[x, y]], [1]
    own, low, _ = predictor.predict(points, labels, multimask=True)
    ious = [iou_of(own, mask)]
    for _ in range(clicks - 1):
        point, label = prompts.correction_clicks(None, [mask], [own], innermost=True)
        points.append(point[0, 0].tolist())
        labels.append(int(label))
        own, low, _ = predictor.predict(points, labels, low)
        ious.append(iou_of(own, mask))
    box = prompts.tight_box(mask).reshape(2, 2)
    single, _, _ = predictor.predict(box, [2, 3])
    multi, _, _ = predictor.predict(box, [2, 3], multimask=True)
    return {
        "clicks": ious,
        "box": iou_of(single, mask),
        "box_multimask": iou_of(multi, mask),
        "points": points,
        "labels": labels,
        "box_corners": box.tolist(),
    }


@torch.no_grad()
def score_set(model, objects, device, clicks=5):
    predictor = Predictor(model.eval(), device)
    rows = []
    for picture, mask in objects:
        predictor.set_picture(picture)
        rows.append(score_object(predictor, mask, clicks))
    return rows


def summary(rows):
    return {
        "click": float(np.mean([row["clicks"][0] for row in rows])),
        "clicks3": float(np.mean([row["clicks"][min(2, len(row["clicks"]) - 1)] for row in rows])),
        "clicks5": float(np.mean([row["clicks"][-1] for row in rows])),
        "box": float(np.mean([row["box"] for row in rows])),
        "box_multimask": float(np.mean([row["box_multimask"] for row in rows])),
    }


def quick_scores(weights, arguments, device, count=64):
    """Held-out scores for the training log, with the arguments of the training."""
    model = build_model(arguments.config, arguments.image_size).to(device)
    model.load_state_dict(weights)
    figures = summary(score_set(model, held_out_objects(arguments.cache, arguments.shard_size, count), device))
    return {f"held_out_{key}": round(value, 4) for key, value in figures.items()}


def load_weights(config, weights, device):
    model = build_model(config).to(device)
    state = torch.load(weights, map_location=device, weights_only=True)["model"]
    model.load_state_dict({name: value.float() for name, value in state.items()})
    return model.eval()


def write_set(folder, objects, rows):
    """pictures/ and masks/ as PNG, prompts as samc reads them (docs/prompts_json.md), PyTorch's IoUs in torch.json."""
    for below in ("pictures", "masks"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    clicks, boxes = [], []
    for index, ((picture, mask), row) in enumerate(zip(objects, rows)):
        name = f"{index:04}.png"
        cv2.imwrite(str(folder / "pictures" / name), picture[..., ::-1])
        cv2.imwrite(str(folder / "masks" / name), mask.astype(np.uint8) * 255)
        click = {"points": row["points"][:1], "labels": row["labels"][:1]}
        clicks.append({"image": f"pictures/{name}", "prompts": [click], "multimask": True})
        box = {"box": [value for corner in row["box_corners"] for value in corner]}
        boxes.append({"image": f"pictures/{name}", "prompts": [box], "multimask": False})
    (folder / "click.json").write_text(json.dumps({"pictures": clicks}))
    (folder / "box.json").write_text(json.dumps({"pictures": boxes}))
    ious = {"click": [row["clicks"][0] for row in rows], "box": [row["box"] for row in rows]}
    (folder / "torch.json").write_text(json.dumps(ious))


def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, default=here / "models/mini/mini.pt")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load_weights(arguments.config, arguments.weights, arguments.device)
    objects = held_out_objects(arguments.cache, model.image_size, arguments.count)
    rows = score_set(model, objects, arguments.device)
    figures = summary(rows) | {"count": len(rows)}
    print(json.dumps(figures, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n")
    if arguments.write:
        write_set(arguments.write, objects, rows)


if __name__ == "__main__":
    main()
