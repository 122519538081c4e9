"""Finds regions of one look in composed pictures and adds them to the masks.

    python -m training.data.regions --cache /tmp/train

Composed objects are whole things in front of a background; in a photograph one also clicks on a window, a lamp or a
pillow. Nobody has drawn those in the background photographs or in the objects, but many are areas without an edge
inside and with one around, which a watershed finds. For each of the first --shards shards NNN_MMMM a shard NNN_1MMM is
written: the same pictures with up to MAX_REGIONS such regions as further masks. Never done for held-out pictures.
"""

import argparse
import pathlib
import time

import cv2
import numpy as np

from training.data.compose import MAX_MASKS, mask_row
from training.data.shard_files import save_shard

MAX_REGIONS = 6
SMALLEST, LARGEST = 0.002, 0.25  # of the picture
LEAST_SOLID = 0.72  # area over that of the convex hull
LONGEST_OUTLINE = 5.6  # over the root of the area; 4 for a square
LEAST_CONTRAST = 14  # of a Lab channel, of 256


def smooth_regions(rng, picture):
    """Labels (size, size) of areas without an edge inside; 0 between them."""
    smooth = cv2.medianBlur(np.ascontiguousarray(picture), 5)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    edges = cv2.morphologyEx(lab, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)
    threshold = max(4.0, float(np.quantile(edges, rng.uniform(0.35, 0.75))))
    calm = cv2.erode((edges < threshold).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, markers, stats, _ = cv2.connectedComponentsWithStats(calm, connectivity=4)
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < 0.4 * SMALLEST * calm.size)
    markers[np.isin(markers, small)] = 0
    return np.maximum(cv2.watershed(smooth, markers), 0)


def stands_out(lab, mask):
    """Whether a region's outline is plain and its colour another than around it: noise and seams are left out."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if len(outlines) != 1:
        return False
    area = cv2.contourArea(outlines[0])
    if area < LEAST_SOLID * max(1.0, cv2.contourArea(cv2.convexHull(outlines[0]))):
        return False
    if cv2.arcLength(outlines[0], True) > LONGEST_OUTLINE * area**0.5:
        return False
    around = cv2.dilate(mask, np.ones((9, 9), np.uint8)) & ~cv2.dilate(mask, np.ones((5, 5), np.uint8))
    difference = np.subtract(cv2.mean(lab, mask)[:3], cv2.mean(lab, around)[:3])
    return float(np.abs(difference).max()) >= LEAST_CONTRAST


def find_regions(rng, picture, ids):
    """(id that it lies in, bool mask) of at most MAX_REGIONS regions, each within what one id shows."""
    labels = smooth_regions(rng, picture)
    lab = cv2.cvtColor(cv2.medianBlur(np.ascontiguousarray(picture), 5), cv2.COLOR_RGB2LAB)
    areas = np.bincount(ids.ravel(), minlength=32)
    cells = labels.astype(np.int32) * 32 + ids
    counts = np.bincount(cells.ravel())
    found = []
    for cell in rng.permutation(np.flatnonzero(counts)):
        label, owner = divmod(int(cell), 32)
        share = counts[cell] / ids.size
        # Of an object only a part is something new; what lies in the background may be large.
        if label == 0 or not SMALLEST <= share <= LARGEST or (owner and counts[cell] > 0.5 * areas[owner]):
            continue
        mask = cv2.morphologyEx((cells == cell).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        if not stands_out(lab, mask):
            continue
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mask, outlines, -1, 1, -1)
        found.append((owner, (mask > 0) & (ids == owner)))
        if len(found) == MAX_REGIONS:
            break
    return found


def add_regions(rng, picture, ids, masks):
    """ids and masks of a shard's picture with its regions; a region of an object belongs to that object's masks too."""
    regions = find_regions(rng, picture, ids)
    ids, masks = ids.copy(), [mask for mask in masks if mask]
    for number, (owner, region) in zip(range(int(ids.max()) + 1, 31), regions):
        if len(masks) == MAX_MASKS:
            break
        region &= ids == owner
        ids[region] = number
        if owner:
            masks = [mask | 1 << number if mask >> owner & 1 else mask for mask in masks]
        masks.append(1 << number)
    return ids, mask_row(masks)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--shards", type=int, default=24, help="how many shards to do this with")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    shards = sorted((arguments.cache / f"shards_train_{arguments.size}").glob("[0-9]*_0[0-9][0-9][0-9]"))
    for folder in shards[: arguments.shards]:
        seed, shard = folder.name.split("_")
        target = folder.with_name(f"{seed}_1{shard[1:]}")
        if target.exists():
            continue
        start = time.time()
        rng = np.random.default_rng([int(seed), int(shard), 2])
        pictures, ids, masks = (np.load(folder / f"{name}.npy") for name in ("pictures", "ids", "masks"))
        before = int((masks > 0).sum())
        for index, picture in enumerate(pictures):
            ids[index], masks[index] = add_regions(rng, picture, ids[index], [int(m) for m in masks[index]])
        save_shard(target, pictures=folder / "pictures.npy", ids=ids, masks=masks)
        each, after = 1000 * (time.time() - start) / len(pictures), int((masks > 0).sum())
        print(f"{target}: {before} masks, {after} with regions; {each:.1f} ms a picture", flush=True)


if __name__ == "__main__":
    main()
