"""Decodes the fetched packages once into two flat files of cut-outs and photographs, each with an index.

    python -m training.data.prepare --cache /tmp/train

CACHE/prepared/cutouts.bin holds RGBA pictures cropped to their alpha channel, photos.bin RGB pictures; the index beside
each says where a picture lies, what it is called and whether it is held out. The split is by name: all sizes and
versions of a picture have the same name and so fall on the same side.
"""

import argparse
import hashlib
import json
import pathlib
import re

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.data.fetch import read_packages

HELD_OUT_PERCENT = 12
CUTOUT_SIDE = 320
PHOTO_SIDE = 1600
EMOJI_SIZE = 109  # the only size that NotoColorEmoji has
Image.MAX_IMAGE_PIXELS = None  # one clip-art file has 231 million pixels; large ones are left out by area
EMOJI_RANGES = [(0x1F300, 0x1F6FF), (0x1F900, 0x1F9FF), (0x1FA70, 0x1FAFF), (0x2600, 0x27BF)]
# Folders of tuxpaint stamps that are signs rather than things.
SIGN_FOLDERS = ("symbols/", "town/flags", "town/roadsigns", "symbols/money")


def is_held_out(name):
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


class FlatFile:
    """Appends uint8 pictures to a file and keeps the index rows."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "wb")
        self.rows = []
        self.offset = 0

    def append(self, picture, name, group):
        height, width, channels = picture.shape
        self.file.write(np.ascontiguousarray(picture).tobytes())
        row = {"name": name, "group": group, "held_out": is_held_out(name), "offset": self.offset}
        self.rows.append(row | {"height": height, "width": width, "channels": channels})
        self.offset += picture.size

    def close(self):
        self.file.close()
        self.path.with_suffix(".json").write_text(json.dumps(self.rows))


def crop_cutout(picture):
    """Crops RGBA to what is opaque and scales it down to CUTOUT_SIDE; None if it makes no good object."""
    opaque = picture[..., 3] > 127
    rows, columns = np.flatnonzero(opaque.any(1)), np.flatnonzero(opaque.any(0))
    if len(rows) < 36 or len(columns) < 36 or max(len(rows), len(columns)) < 56:
        return None
    picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    opaque = (picture[..., 3] > 127).astype(np.uint8)
    if not 0.12 < opaque.mean() < 0.97:
        return None
    _, _, stats, _ = cv2.connectedComponentsWithStats(opaque, connectivity=8)
    if stats[1:, cv2.CC_STAT_AREA].max() < 0.75 * opaque.sum():
        return None
    scale = CUTOUT_SIDE / max(picture.shape[:2])
    if scale < 1:
        alpha = picture[..., 3:].astype(np.float32) / 255
        blended = np.concatenate([picture[..., :3] * alpha, alpha * 255], axis=-1)
        blended = cv2.resize(blended, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        colour = blended[..., :3] / np.maximum(blended[..., 3:] / 255, 1 / 255)
        picture = np.concatenate([colour, blended[..., 3:]], axis=-1).clip(0, 255).astype(np.uint8)
    return picture


def icon_name(path):
    """The name of an icon without its size and theme folder."""
    return "icon/" + path.stem


def add_cutouts(out, package, tree):
    best = {}
    for path in sorted(tree.rglob("*.png")):
        if path.is_symlink():
            continue
        relative = str(path.relative_to(tree))
        if "icon-theme" in package:
            name, group = icon_name(path), "icon"
        elif package.startswith("tuxpaint"):
            below = relative.split("stamps/")[-1]
            name, group = "tuxpaint/" + below, "sign" if below.startswith(SIGN_FOLDERS) else "stamp"
        else:
            name, group = "openclipart/" + path.stem, "clipart"
        with Image.open(path) as header:
            area = header.width * header.height
            if "A" not in header.getbands() and "transparency" not in header.info:
                continue
        if name not in best or area > best[name][0]:
            best[name] = (area, path, group)
    for name, (area, path, group) in best.items():
        if area > 40e6:
            continue
        with Image.open(path) as image:
            picture = crop_cutout(np.asarray(image.convert("RGBA")))
        if picture is not None:
            out.append(picture, name, group)


def add_emoji(out, tree):
    font = ImageFont.truetype(str(next(tree.rglob("*.ttf"))), EMOJI_SIZE)
    for first, last in EMOJI_RANGES:
        for code in range(first, last + 1):
            image = Image.new("RGBA", (160, 160))
            ImageDraw.Draw(image).text((10, 10), chr(code), font=font, embedded_color=True)
            picture = crop_cutout(np.asarray(image))
            if picture is not None and picture[..., :3].max() > 0:
                out.append(picture, f"emoji/{code:x}", "emoji")


def photo_name(relative):
    """All sizes of a wallpaper share a name: the wallpaper's folder, or the file's stem without its size."""
    match = re.search(r"wallpapers/([^/]+)/contents", relative)
    stem = match.group(1) if match else re.sub(r"(_\d+x\d+|-[ld])$", "", pathlib.Path(relative).stem)
    return "photo/" + stem.split("_")[0].lower()


def add_photos(out, tree):
    best = {}
    for path in sorted(tree.rglob("*")):
        if path.suffix not in (".jpg", ".jpeg", ".png", ".webp") or path.is_symlink() or "screenshot" in path.name:
            continue
        with Image.open(path) as header:
            area = header.width * header.height
        key = str(path.parent) if "contents" in str(path) else str(path)
        if area >= 640 * 480 and (key not in best or area > best[key][0]):
            best[key] = (area, path)
    for area, path in best.values():
        with Image.open(path) as image:
            image.draft("RGB", (PHOTO_SIDE, PHOTO_SIDE))
            picture = np.asarray(image.convert("RGB"))
        scale = min(1, PHOTO_SIDE / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        out.append(picture, photo_name(str(path)), "photo")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--packages", type=pathlib.Path, default=pathlib.Path(__file__).with_name("packages.txt"))
    arguments = parser.parse_args()
    prepared = arguments.cache / "prepared"
    prepared.mkdir(exist_ok=True)
    cutouts, photos = FlatFile(prepared / "cutouts.bin"), FlatFile(prepared / "photos.bin")
    for package, kind, _ in read_packages(arguments.packages):
        tree = arguments.cache / "unpacked" / package
        if kind == "cutouts":
            add_cutouts(cutouts, package, tree)
        elif kind == "emoji":
            add_emoji(cutouts, tree)
        else:
            add_photos(photos, tree)
        print(f"{package}: {len(cutouts.rows)} cut-outs and {len(photos.rows)} photographs so far", flush=True)
    cutouts.close()
    photos.close()


if __name__ == "__main__":
    main()
