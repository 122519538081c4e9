"""What each worker of a fleet does: an image in, a row out. An image that fails is a row that says why."""

import argparse
import functools
import hashlib
import io
import os
import pathlib
import time

import numpy as np
import samc
from PIL import Image, ImageOps
from samc.sam2_image_predictor import SAM2ImagePredictor

NOTHING = {"path": "", "width": 0, "height": 0, "area": 0, "predicted_iou": 0.0, "mask": b"", "error": "",
           "seconds": 0.0, "done": 0.0, "worker": ""}
ENDINGS = (".jpg", ".jpeg", ".png")


def as_png(mask):
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "PNG")
    return data.getvalue()


def row_of_error(path, error):
    return {**NOTHING, "path": path, "error": " ".join(f"{type(error).__name__}: {error}".split()),
            "done": time.time()}


class Segmenter:
    """Holds a model. point: x and y of the prompt, in [0, 1] of the image. embeddings: a folder where they are kept."""

    def __init__(self, model, point, embeddings=None):
        # One thread: workers share the cores, so that none waits for another.
        self.predictor = SAM2ImagePredictor(samc.load(model, threads=1))
        self.point, self.embeddings = point, embeddings

    def __call__(self, row):
        begin = time.time()
        try:
            found = {**NOTHING, "path": row["path"], **self.segment(row), "done": time.time()}
        except Exception as error:  # whatever is wrong with it, the others are done
            found = row_of_error(str(row.get("path")), error)
        return {**found, "seconds": found["done"] - begin, "worker": f"{os.uname().nodename}:{os.getpid()}"}

    def segment(self, row):
        kept = self.embeddings and os.path.join(self.embeddings, hashlib.sha256(row["path"].encode()).hexdigest() + ".npz")
        if kept and os.path.exists(kept):
            self.predictor.set_features(np.load(kept))
        else:
            data = row.get("bytes") or pathlib.Path(row["path"]).read_bytes()
            self.predictor.set_image(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
            if kept:
                np.savez(f"{kept}.{os.getpid()}.npz", **self.predictor.get_features())
                os.replace(f"{kept}.{os.getpid()}.npz", kept)  # whole, or not at all
        masks, scores, _ = self.predictor.predict(np.array([self.point]), np.array([1]), multimask_output=False,
                                                  normalize_coords=False)
        mask = masks[0] > 0
        return {"width": mask.shape[1], "height": mask.shape[0], "area": int(mask.sum()), "mask": as_png(mask),
                "predicted_iou": float(scores[0])}


@functools.lru_cache(maxsize=1)
def of_this_process(model, point, embeddings):
    """The same for each batch that this process is given."""
    return Segmenter(model, point, embeddings)


def images_in(folder):
    return [{"path": os.path.join(folder, name)} for name in sorted(os.listdir(folder)) if name.lower().endswith(ENDINGS)]


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("images", help="a folder that all workers see, or Parquet with the columns path and bytes")
    parser.add_argument("output", help="Parquet, a row an image")
    parser.add_argument("--model", default="mini", help="a checkpoint, or what samc compile made of it")
    parser.add_argument("--point", default="0.5,0.5", help="X,Y of the prompt, in [0, 1] of the image")
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() - 1))
    parser.add_argument("--embeddings", help="a folder that all workers see: embeddings are kept there")
    parsed = parser.parse_args()
    parsed.point = tuple(float(number) for number in parsed.point.split(","))
    parsed.is_parquet = not os.path.isdir(parsed.images) or any(n.endswith(".parquet") for n in os.listdir(parsed.images))
    return parsed
