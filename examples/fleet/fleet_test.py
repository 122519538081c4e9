"""For scripts/fleet-test: fleet_test.py make TRUCK FOLDER COUNT | check ROWS REFERENCE_FOLDER REFERENCE.json BROKEN |
damaged FOLDER MODEL | seconds ROWS."""

import io
import json
import pathlib
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image


def make(source, folder, count):
    """COUNT sections of a photograph in FOLDER/images, and one file more that is no image and one that is torn; the same
    as rows in FOLDER/rows.parquet."""
    images = pathlib.Path(folder) / "images"
    images.mkdir(parents=True)
    photograph = Image.open(source).convert("RGB").resize((900, 600))
    for number in range(int(count)):
        left, top = 37 * number % 400, 23 * number % 200
        section = photograph.crop((left, top, left + 480 - number % 7, top + 360 - number % 5))
        if number % 2 == 0:
            section.save(images / f"{number:04}.png")
        else:
            section.save(images / f"{number:04}.jpg", quality=90)
    (images / "no_image.jpg").write_bytes(b"this is no image")
    (images / "torn.png").write_bytes((images / "0000.png").read_bytes()[:5000])
    files = sorted(images.iterdir())
    rows = {"path": [str(file) for file in files], "bytes": [file.read_bytes() for file in files]}
    # A row group is what a worker of Ray is given.
    pyarrow.parquet.write_table(pyarrow.table(rows), pathlib.Path(folder) / "rows.parquet", row_group_size=max(1, len(files) // 8))


def check(rows_folder, masks_folder, document, broken):
    """The rows are what `samc segment` found, and BROKEN of them are errors."""
    rows = pyarrow.parquet.read_table(rows_folder).to_pylist()
    found = {pathlib.Path(row["path"]).name: row for row in rows}
    pictures = json.loads(pathlib.Path(document).read_text())["pictures"]
    assert len(found) == len(rows) == len(pictures) + int(broken), f"{len(rows)} rows of {len(pictures)} images"
    for picture in pictures:
        path = pathlib.Path(picture["image"])
        row, [expected] = found.pop(path.name), picture["prompts"][0]["masks"]
        assert row["error"] == "", f"{path}: {row['error']}"
        assert (row["width"], row["height"]) == (picture["width"], picture["height"]), path
        mask = np.asarray(Image.open(io.BytesIO(row["mask"])))
        reference = np.asarray(Image.open(pathlib.Path(masks_folder) / f"{path.stem}_prompt0_mask0.png")) > 0
        assert mask.sum() == row["area"] > 0 and mask.shape == reference.shape, path
        # A JPEG may be read by another version of its library.
        iou = (mask & reference).sum() / (mask | reference).sum()
        assert iou == 1 if path.suffix == ".png" else iou > 0.99, f"{path}: IoU {iou}"
        assert abs(row["predicted_iou"] - expected["predicted_iou"]) < 1e-3, path
    for name, row in found.items():
        assert row["error"] and row["mask"] == b"", f"{name} has no error"
    print(f"fleet-test: {len(pictures)} rows are those of samc segment, {len(found)} say why there is no mask: {found[name]['error']}")


def damaged(folder, model):
    """A row group that cannot be read is a row with an error; the others are segmented."""
    from ray_segment import PartSegmenter, row_groups_of

    path = pathlib.Path(folder) / "damaged.parquet"
    rows = pyarrow.parquet.read_table(pathlib.Path(folder) / "rows.parquet").slice(0, 2)  # two images
    pyarrow.parquet.write_table(rows, path, row_group_size=1, use_dictionary=False)
    column = pyarrow.parquet.read_metadata(path).row_group(1).column(1)
    data = bytearray(path.read_bytes())
    for at in range(column.data_page_offset, column.data_page_offset + 8):  # the page's header
        data[at] ^= 255
    path.write_bytes(data)
    segmenter = PartSegmenter(model, (0.5, 0.5))
    first, second = ([*segmenter(item)] for item in row_groups_of(str(path), 1))
    assert len(first) == len(second) == 1 and first[0]["error"] == "" and first[0]["area"] > 0, first
    assert second[0]["error"] and second[0]["mask"] == b"" and "damaged.parquet" in second[0]["path"], second
    print(f"fleet-test: a row group that is damaged: {second[0]['error']}")


def seconds(rows_folder):
    """How long the images took, without the start of the job: from when the first was begun to when the last was done; and
    what it would be if all workers had begun at once, from the images an hour of each while it ran."""
    rows = pyarrow.parquet.read_table(rows_folder, columns=["seconds", "done", "worker"]).to_pylist()

    def span(some):
        return max(row["done"] for row in some) - min(row["done"] - row["seconds"] for row in some)

    workers = [[row for row in rows if row["worker"] == worker] for worker in {row["worker"] for row in rows}]
    rate = sum(len(some) / span(some) for some in workers)
    print(f"{span(rows):.2f} {len(rows) / rate:.2f} {'+'.join(str(len(some)) for some in workers)}")


if __name__ == "__main__":
    {"make": make, "check": check, "damaged": damaged, "seconds": seconds}[sys.argv[1]](*sys.argv[2:])
