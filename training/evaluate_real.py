"""Scores a model on real photographs with masks drawn by hand (training/real/objects.json).

    python -m training.evaluate_real --pictures tests/data/images

objects.json names pictures by their path below --pictures; a picture that is not there is left out and said so.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np
import torch

from training.evaluate_images import Predictor, load_weights, score_object, summary


def read_objects(path, pictures):
    """Rows of (picture name, object name, RGB picture, bool mask)."""
    rows, missing, cache = [], set(), {}
    for entry in json.loads(path.read_text()):
        name = entry["picture"]
        if name not in cache:
            data = cv2.imread(str(pictures / name))
            cache[name] = None if data is None else np.ascontiguousarray(data[..., ::-1])
        if cache[name] is None:
            missing.add(name)
            continue
        mask = np.zeros(cache[name].shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(entry["polygon"]).astype(np.int32)], 1)
        rows.append((name, entry["object"], cache[name], mask.astype(bool)))
    return rows, sorted(missing)


@torch.no_grad()
def main():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=pathlib.Path, default=here / "tests/data/images")
    parser.add_argument("--objects", type=pathlib.Path, default=here / "training/real/objects.json")
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, default=here / "models/mini/mini.pt")
    parser.add_argument("--out", type=pathlib.Path, help="write the figures as JSON")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor(load_weights(arguments.config, arguments.weights, arguments.device), arguments.device)
    objects, missing = read_objects(arguments.objects, arguments.pictures)
    rows, shown = [], None
    for name, label, picture, mask in objects:
        if name != shown:
            predictor.set_picture(picture)
            shown = name
        row = score_object(predictor, mask)
        rows.append({"picture": name, "object": label} | row)
        clicks = row["clicks"]
        print(f"{name:20} {label:20} click {clicks[0]:.3f} box {row['box']:.3f} 5 clicks {clicks[-1]:.3f}")
    figures = summary(rows) | {"count": len(rows), "missing": missing}
    print(json.dumps(figures, indent=2))
    if arguments.out:
        kept = [{key: row[key] for key in ("picture", "object", "clicks", "box", "box_multimask")} for row in rows]
        arguments.out.write_text(json.dumps(figures | {"objects": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
