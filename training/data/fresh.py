"""Composes new pictures for as long as a training runs beside it, which takes them up within a minute or two.

    nice -n 10 python -m training.data.fresh --cache /tmp/train --keep 100

Each shard is made as by training.data.compose, half of its pictures with regions (training.data.regions). When there
are more than --keep shards the oldest ones go, so that a picture is seen a few times and the folder stays small. It
ends when there is a file `stop` in the folder of the shards. A training that is to be repeated to the bit must not have
this beside it.
"""

import argparse
import itertools
import pathlib
import shutil
import time

import cv2
import numpy as np

from training.data.compose import Pool, compose_with_masks, mask_row
from training.data.regions import add_regions
from training.data.shard_files import finished_shards, save_shard

REGIONS_SHARE = 0.5


def compose_fresh(rng, cutouts, photos, size):
    """A picture, its ids and its masks as in a shard."""
    picture, ids, sets = compose_with_masks(rng, cutouts, photos, size)
    if rng.random() < REGIONS_SHARE:
        return picture, *add_regions(rng, picture, ids, sets)
    return picture, ids, mask_row(sets)


def remove_oldest(folder, keep):
    shards = sorted(finished_shards(folder), key=lambda path: path.stat().st_mtime)
    for path in shards[: max(0, len(shards) - keep)]:
        shutil.rmtree(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--count", type=int, default=256, help="pictures in a shard")
    parser.add_argument("--keep", type=int, default=100, help="shards in the folder, the newest")
    parser.add_argument("--seed", type=int, default=2, help="another than that of the shards in the folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    prepared = arguments.cache / "prepared"
    cutouts, photos = Pool(prepared, "cutouts", False), Pool(prepared, "photos", False)
    folder = arguments.cache / f"shards_train_{arguments.size}"
    (folder / "stop").unlink(missing_ok=True)
    for shard in itertools.count():
        target = folder / f"{arguments.seed:03}_{shard:04}"
        if target.exists():
            continue
        start = time.time()
        rng = np.random.default_rng([arguments.seed, shard, 0])
        made = [compose_fresh(rng, cutouts, photos, arguments.size) for _ in range(arguments.count)]
        pictures, ids, masks = (np.stack(part) for part in zip(*made))
        save_shard(target, pictures=pictures, ids=ids, masks=masks)
        remove_oldest(folder, arguments.keep)
        print(f"{target}: {(time.time() - start) / arguments.count * 1000:.1f} ms a picture", flush=True)
        if (folder / "stop").exists():
            break


if __name__ == "__main__":
    main()
