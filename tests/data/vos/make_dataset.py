"""Makes the data set beside this file, predictions for it, and what the two official evaluators say of them.

    git clone https://github.com/davisvideochallenge/davis2017-evaluation
    git clone https://github.com/facebookresearch/sam2
    python tests/data/vos/make_dataset.py davis2017-evaluation sam2/sav_dataset

Needs what eval/make_metric_cases.py needs. Two clips of moving shapes: in "crossing" the disk (1) passes over the square
(2) and leaves the frame; in "late" the square (2) is there from the start, and the disk (1) comes in the third frame.
"""

import json
import os
import shutil
import sys
import tempfile

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = sys.argv[1:3]
from davis2017.evaluation import DAVISEvaluation  # noqa: E402
from utils.sav_benchmark import VideoEvaluator  # noqa: E402

PALETTE = bytes([0, 0, 0, 128, 0, 0, 0, 128, 0])
DISK, SQUARE = 1, 2
random = np.random.default_rng(3)


def background(height, width):
    noise = gaussian_filter(random.standard_normal((height, width, 3)), (6, 6, 0))
    return 110 + 30 * noise / np.abs(noise).max()


def clip(height, width, disk_at, square_at, frames):
    """Images (frames, height, width, 3) and labels (frames, height, width). Positions are (x, y), or None."""
    ground = background(height, width)
    y, x = np.mgrid[:height, :width]
    images, labels = [], []
    for frame in range(frames):
        image, label = ground.copy(), np.zeros((height, width), np.uint8)
        for number, position, colour in [(SQUARE, square_at(frame), (40, 80, 200)), (DISK, disk_at(frame), (230, 160, 30))]:
            if position is None:
                continue
            dx, dy = x - position[0], y - position[1]
            inside = dx**2 + dy**2 <= 12**2 if number == DISK else np.maximum(abs(dx), abs(dy)) <= 10
            image[inside], label[inside] = colour, number
        images.append(gaussian_filter(image, (0.6, 0.6, 0)).clip(0, 255).astype(np.uint8))
        labels.append(label)
    return np.stack(images), np.stack(labels)


def predicted(labels):
    """The labels as a tracker might find them: off by a pixel or two, with frayed edges, the disk seen too long."""
    found = []
    for number, label in enumerate(labels):
        field = gaussian_filter(random.standard_normal(label.shape), 2)
        moved = np.roll(label, random.integers(-2, 3, 2), (0, 1))
        moved = np.where(field > np.quantile(field, 0.85), label * (field > field.mean()), moved)
        if number and not (label == DISK).any() and (labels[number - 1] == DISK).any():
            moved[:9, -7:] = DISK
        found.append(moved.astype(np.uint8))
    return np.stack(found)


def write_labels(root, name, labels, number=None):
    """One PNG for each frame; of one object alone with a number."""
    folder = os.path.join(root, name) if number is None else os.path.join(root, name, f"{number:03d}")
    os.makedirs(folder)
    for frame, label in enumerate(labels):
        image = Image.fromarray(label if number is None else (label == number).astype(np.uint8), "P")
        image.putpalette(PALETTE)
        image.save(os.path.join(folder, f"{frame:05d}.png"), optimize=True)


def davis_scores(name):
    with tempfile.TemporaryDirectory() as root:
        for part in ("Annotations", "JPEGImages"):
            os.symlink(os.path.join(HERE, "dataset", part), os.path.join(root, part))
        os.makedirs(f"{root}/ImageSets/2017")
        with open(f"{root}/ImageSets/2017/val.txt", "w") as file:
            file.write(f"{name}\n")
        scores = DAVISEvaluation(root, "semi-supervised", "val").evaluate(f"{HERE}/predictions")
    return {
        str(i + 1): {key: dict(zip(["mean", "recall", "decay"], [float(scores[key][part][i]) for part in "MRD"])) for key in "JF"}
        for i in range(len(scores["J"]["M"]))
    }


def sav_scores(annotations, predictions, name):
    _, j, f = VideoEvaluator(annotations, predictions)(name)
    return {str(int(key)): {"J": float(j[key]) / 100, "F": float(f[key]) / 100} for key in sorted(j)}


def main():
    clips = {
        "crossing": clip(64, 96, lambda t: (30 + 17 * t, 30 - 2 * t), lambda t: (70 - 3 * t, 36), 8),
        "late": clip(60, 80, lambda t: (90 - 9 * t, 20) if t >= 2 else None, lambda t: (22 + 2 * t, 38), 7),
    }
    for folder in ("dataset", "predictions"):
        shutil.rmtree(os.path.join(HERE, folder), ignore_errors=True)
    expected = {"davis": {}, "sav": {}, "sav_folders": {}}
    for name, (images, labels) in clips.items():
        folder = os.path.join(HERE, "dataset/JPEGImages/480p", name)
        os.makedirs(folder)
        for frame, image in enumerate(images):
            Image.fromarray(image).save(os.path.join(folder, f"{frame:05d}.jpg"), quality=85)
        found = predicted(labels)
        write_labels(f"{HERE}/dataset/Annotations/480p", name, labels)
        write_labels(f"{HERE}/predictions", name, found)
        expected["davis"][name] = davis_scores(name)
        expected["sav"][name] = sav_scores(f"{HERE}/dataset/Annotations/480p", f"{HERE}/predictions", name)
        with tempfile.TemporaryDirectory() as root:
            for number in (DISK, SQUARE):
                write_labels(f"{root}/annotations", name, labels, number)
                write_labels(f"{root}/predictions", name, found, number)
            expected["sav_folders"][name] = sav_scores(f"{root}/annotations", f"{root}/predictions", name)
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


main()
