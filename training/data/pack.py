"""Carries the prepared cut-outs and photographs to a machine without a network: small files that still hold them all.

    python -m training.data.pack --cache /tmp/train --out pack        # here: writes pack/cutouts.zip, pack/photos.zip
    python -m training.data.pack --unpack pack --cache /tmp/train     # there: writes /tmp/train/prepared

The pictures are kept as WebP at a smaller size. Names and the split are kept, so both machines hold out the same ones.
"""

import argparse
import io
import json
import pathlib
import zipfile

import cv2
import numpy as np
from PIL import Image

from training.data.prepare import FlatFile

# The longest side and the WebP quality of each group. Stamps are the nearest to photographs of things.
SIDES = {"stamp": (288, 80), "photo": (1100, 76)}
OTHER = (176, 72)


def pack(prepared, kind, out):
    rows = json.loads((prepared / f"{kind}.json").read_text())
    data = np.memmap(prepared / f"{kind}.bin", np.uint8, mode="r")
    with zipfile.ZipFile(out / f"{kind}.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("index.json", json.dumps([{k: row[k] for k in ("name", "group")} for row in rows]))
        for index, row in enumerate(rows):
            shape = (row["height"], row["width"], row["channels"])
            image = Image.fromarray(data[row["offset"] : row["offset"] + int(np.prod(shape))].reshape(shape))
            side, quality = SIDES.get(row["group"], OTHER)
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            encoded = io.BytesIO()
            image.save(encoded, "webp", quality=quality, method=2)
            archive.writestr(f"{index:05}.webp", encoded.getvalue())
    print(f"{out / kind}.zip: {len(rows)} pictures, {(out / f'{kind}.zip').stat().st_size} bytes", flush=True)


def unpack(folder, kind, prepared):
    channels = "RGBA" if kind == "cutouts" else "RGB"
    flat = FlatFile(prepared / f"{kind}.bin")
    with zipfile.ZipFile(folder / f"{kind}.zip") as archive:
        for index, row in enumerate(json.loads(archive.read("index.json"))):
            picture = np.asarray(Image.open(io.BytesIO(archive.read(f"{index:05}.webp"))).convert(channels))
            if kind == "cutouts" and max(picture.shape[:2]) < 200:
                picture = cv2.resize(picture, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
            flat.append(picture, row["name"], row["group"])
    flat.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    direction = parser.add_mutually_exclusive_group(required=True)
    direction.add_argument("--out", type=pathlib.Path, help="pack CACHE/prepared into this folder")
    direction.add_argument("--unpack", type=pathlib.Path, help="unpack this folder into CACHE/prepared")
    arguments = parser.parse_args()
    prepared = arguments.cache / "prepared"
    prepared.mkdir(parents=True, exist_ok=True)
    for kind in ("cutouts", "photos"):
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            pack(prepared, kind, arguments.out)
        elif (arguments.unpack / f"{kind}.zip").exists():
            unpack(arguments.unpack, kind, prepared)


if __name__ == "__main__":
    main()
