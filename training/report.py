"""Writes docs/mini.md and the figures in the model card from the JSON files that the scorers wrote.

    python -m training.evaluate_images --cache CACHE --out training/figures/images.json
    python -m training.evaluate_real --pictures PICTURES --out training/figures/real.json
    python -m training.evaluate_clips --cache CACHE --out training/figures/clips.json
    python -m training.report

A figure that no file holds is shown as not measured.
"""

import json
import pathlib

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent
MARK = "<!-- figures: written by training/report.py -->"
MISSING = "not measured"
REAL_OBJECTS = len(json.loads((HERE / "real/objects.json").read_text()))


def read(name):
    path = HERE / "figures" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def shown(figures, key, form=".3f"):
    return format(figures[key], form) if key in figures else MISSING


def table(rows):
    lines = ["| what | figure | aim |", "|---|---|---|"]
    return "\n".join(lines + [f"| {what} | {figure} | {aim} |" for what, figure, aim in rows])


def figures_table():
    images, real, clips, samc = read("images"), read("real"), read("clips"), read("samc")
    count = images.get("count", 500)
    rows = [
        (f"{count} composed pictures, held-out objects and backgrounds: mIoU, 1 click", shown(images, "click"), "0.75"),
        ("the same, box (single mask)", shown(images, "box"), "0.85"),
        ("the same, 5 clicks", shown(images, "clicks5"), "0.88"),
        ("samc against PyTorch on those, largest difference of mIoU", shown(samc, "difference", ".1e"), "0.002"),
        (f"real photographs, {real.get('count', REAL_OBJECTS)} objects: mIoU, 1 click", shown(real, "click"), "0.6"),
        ("the same, box (single mask)", shown(real, "box"), "0.75"),
        ("the same, 5 clicks", shown(real, "clicks5"), ""),
        ("held-out composed clips, 2 objects, 30 frames: mean J", shown(clips, "mean_j"), "0.7"),
        ("samc, 2 threads: encoder, ms", shown(samc, "encoder_ms", ".1f"), "150"),
        ("samc, 2 threads: a prompt, ms", shown(samc, "prompt_ms", ".1f"), "5"),
    ]
    return table(rows)


def training_section():
    history = read("history")
    if not history:
        return "No training has been recorded in training/figures/history.json."
    lines = ["| phase | picture size | steps | processor or GPU time | machine |", "|---|---|---|---|---|"]
    for phase in history["phases"]:
        cells = (phase[key] for key in ("phase", "size", "steps", "time", "machine"))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n\n" + history["remarks"]


def objects_table(real):
    if not real:
        return "Not measured."
    lines = ["| picture | object | 1 click | box | 5 clicks |", "|---|---|---|---|---|"]
    for row in real.get("objects", []):
        clicks = row["clicks"]
        lines.append(f"| {row['picture']} | {row['object']} | {clicks[0]:.2f} | {row['box']:.2f} | {clicks[-1]:.2f} |")
    return "\n".join(lines)


def weights_sentence():
    if (REPOSITORY / "models/mini/mini.pt").exists():
        return "`models/mini/` holds the weights, the YAML and the model card; `training/` made them."
    return "**There are no weights yet**: `models/mini/` holds the YAML and the model card, `training/` makes them."


def main():
    text = f"""# samc-mini

{MARK}

samc-mini is a demonstration model: a small model of the SAM 2.1 architecture, trained from nothing on pictures composed
from Debian's own packages, so that samc has something to show without a download. For real work pass an official
checkpoint. {weights_sentence()}

{figures_table()}

A click is the pixel of the object farthest from its border, and the best of three masks by the model's own estimate is
taken; further clicks go where the mask is most wrong, with the mask before as prompt. A box is the tight box.

## How it was trained

{training_section()}

## Real photographs

The masks of {REAL_OBJECTS} objects were drawn by hand as polygons (`training/real/objects.json`).

{objects_table(read("real"))}
"""
    (REPOSITORY / "docs/mini.md").write_text(text.rstrip() + "\n")
    card = REPOSITORY / "models/mini/MODEL_CARD.md"
    head, _, _ = card.read_text().partition(MARK)
    card.write_text(head + MARK + "\n\n" + figures_table() + "\n")


if __name__ == "__main__":
    main()
