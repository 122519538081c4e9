"""Writes tests/data/vos/metric_cases.npz: masks and label maps, and what the two official evaluators say of them.

    git clone https://github.com/davisvideochallenge/davis2017-evaluation
    git clone https://github.com/facebookresearch/sam2
    python eval/make_metric_cases.py davis2017-evaluation sam2/sav_dataset tests/data/vos/metric_cases.npz

Needs numpy, scipy, pillow, tqdm, opencv-python-headless and scikit-image. The masks are random and made here; only the
numbers come from the evaluators, which are imported and run as they are.
"""

import contextlib
import io
import os
import sys
import tempfile

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

DAVIS, SAV, OUTPUT = sys.argv[1:4]
sys.path[:0] = [DAVIS, SAV]
from davis2017.evaluation import DAVISEvaluation  # noqa: E402
from davis2017.metrics import db_eval_boundary, db_eval_iou  # noqa: E402
from utils.sav_benchmark import VideoEvaluator  # noqa: E402

random = np.random.default_rng(12)


def blobs(height, width, smooth, share):
    field = gaussian_filter(random.standard_normal((height, width)), smooth, mode="reflect")
    return field > np.quantile(field, 1 - share)


def moved(mask, pixels):
    return shift(mask.astype(float), random.uniform(-pixels, pixels, 2), order=1, mode="constant") > 0.5


def mask_pairs(height, width):
    """Pairs of one size: alike, unlike, noise, and the empty and the full mask."""
    size = (height, width)
    empty, full = np.zeros(size, bool), np.ones(size, bool)
    noise = random.random(size) < 0.5
    large, small = blobs(height, width, 6, 0.4), blobs(height, width, 1.5, 0.1)
    single = empty.copy()
    single[random.integers(height), random.integers(width)] = True
    corner = empty.copy()
    corner[height // 2 :, width // 2 :] = True
    yield from [(empty, empty), (full, full), (empty, full), (full, empty), (empty, single), (single, empty)]
    yield from [(single, single), (single, corner), (corner, moved(corner, 3)), (corner, full), (noise, ~noise)]
    yield from [(noise, random.random(size) < 0.5), (large, moved(large, 2)), (large, blobs(height, width, 6, 0.4))]
    yield from [(small, moved(small, 1)), (small, large), (large, noise), (large, large)]


def large_pairs(height, width):
    """Where the disk has more pixels. Few, and smooth, so that the file stays small."""
    for pixels in (3, 15):
        mask = blobs(height, width, height / 8, 0.3)
        yield mask, moved(mask, pixels)


def metric_cases():
    arrays = {}
    # A diagonal of 125, 250, 375 pixels is a radius of 1, 2, 3 exactly.
    small = [(64, 96), (75, 100), (1, 9), (9, 1), (1, 1), (2, 2), (33, 17)]
    large = [(200, 150), (300, 225), (480, 854)]
    cases = [mask_pairs(*size) for size in small] + [large_pairs(*size) for size in large]
    for number, pairs in enumerate(cases):
        annotations, predictions = (np.stack(masks) for masks in zip(*pairs))
        arrays[f"pairs{number}.annotation"] = annotations
        arrays[f"pairs{number}.prediction"] = predictions
        arrays[f"pairs{number}.j"] = np.array([db_eval_iou(*pair) for pair in zip(annotations, predictions)], np.float64)
        arrays[f"pairs{number}.f"] = np.array(
            [db_eval_boundary(*pair) for pair in zip(annotations, predictions)], np.float64)
    return arrays


def label_map(height, width, labels):
    """(height, width) of 0 and the labels, as blobs."""
    fields = np.stack([gaussian_filter(random.standard_normal((height, width)), 4) for _ in range(len(labels) + 1)])
    return np.array([0, *labels], np.uint8)[fields.argmax(0)]


def clips():
    """Name, annotations, predictions: (frames, height, width) of labels. What the protocols treat differently."""

    def clip(frames, labels, height=40, width=56):
        first = label_map(height, width, labels)
        fields = [first]
        for _ in range(frames - 1):
            fields.append(np.roll(fields[-1], (1, 2), (0, 1)))
        return np.stack(fields)

    def disturbed(annotation):
        return np.stack([np.where(blobs(*frame.shape, 3, 0.15), np.roll(frame, 5, 1), frame) for frame in annotation])

    plain = clip(9, [1, 2])
    yield "plain", plain, disturbed(plain)
    longer = clip(23, [1, 2, 3])
    yield "longer", longer, disturbed(longer) * (random.random((23, 1, 1)) < 0.8)  # some predictions are empty
    leaves = clip(8, [1, 2, 3])
    leaves[4:][leaves[4:] == 2] = 0  # gone, while the prediction goes on for two frames
    prediction = disturbed(leaves)
    prediction[4:6, :8, :8] = 2
    yield "leaves", leaves, prediction
    late = clip(10, [1, 3])
    late[:4][late[:4] == 1] = 0  # an object of a lower number that comes later, and is seen too early
    prediction = disturbed(late)
    prediction[2, 10:20, 10:20] = 1
    yield "late", late, prediction
    gap = clip(6, [2, 5])  # numbers that no object has
    prediction = disturbed(gap)
    prediction[3, :6, :6] = 4
    yield "gap", gap, prediction
    void = clip(7, [1, 2])
    void[:, 5:9, :] = 255
    yield "void", void, np.where(void == 255, 0, disturbed(void)).astype(np.uint8)
    first_only = clip(7, [1, 2])
    first_only[1:-1][first_only[1:-1] == 2] = 0  # annotated in frames that are not counted
    yield "first_only", first_only, np.where(first_only == 2, 0, disturbed(first_only)).astype(np.uint8)
    three = clip(3, [1])
    yield "three", three, disturbed(three)


def write_clip(root, kind, name, frames):
    folder = os.path.join(root, kind, name)
    os.makedirs(folder)
    for number, frame in enumerate(frames):
        image = Image.fromarray(frame, "P")
        image.putpalette(bytes(range(256)) * 3)
        image.save(os.path.join(folder, f"{number:05d}.png"))


def davis_scores(annotation, prediction):
    """(objects, 6): mean, recall and decay of J, then of F. The objects are 1, 2, 3, ..."""
    with tempfile.TemporaryDirectory() as root, contextlib.redirect_stderr(io.StringIO()):
        write_clip(root, "Annotations/480p", "clip", annotation)
        write_clip(root, "results", "clip", prediction)
        os.makedirs(f"{root}/ImageSets/2017")
        with open(f"{root}/ImageSets/2017/val.txt", "w") as file:
            file.write("clip\n")
        os.makedirs(f"{root}/JPEGImages/480p/clip")
        for number in range(len(annotation)):
            open(f"{root}/JPEGImages/480p/clip/{number:05d}.jpg", "w").close()  # counted, never read
        scores = DAVISEvaluation(root, "semi-supervised", "val").evaluate(f"{root}/results")
    return np.array([scores[key][part] for key in "JF" for part in "MRD"]).T


def sav_scores(annotation, prediction):
    """(objects, 3): number, J and F as shares."""
    with tempfile.TemporaryDirectory() as root:
        write_clip(root, "annotations", "clip", annotation)
        write_clip(root, "results", "clip", prediction)
        _, j, f = VideoEvaluator(f"{root}/annotations", f"{root}/results")("clip")
    return np.array([[number, j[number] / 100, f[number] / 100] for number in sorted(j)])


def protocol_cases():
    arrays = {}
    for name, annotation, prediction in clips():
        prediction = prediction.astype(np.uint8)
        arrays[f"{name}.annotation"] = annotation
        arrays[f"{name}.prediction"] = prediction
        # 255 is a number like others to the SA-V evaluator; to DAVIS's it is the background.
        arrays[f"{name}.davis"] = davis_scores(annotation, prediction)
        arrays[f"{name}.sav"] = sav_scores(annotation, prediction)
    return arrays


np.savez_compressed(OUTPUT, **metric_cases(), **protocol_cases())
