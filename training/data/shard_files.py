"""Shards on disk: folders SEED_NUMBER of .npy files. A training sees a shard whole or not at all."""

import os
import pathlib

import numpy as np


def save_shard(folder, **arrays):
    """Writes beside and renames. A path in place of an array is a file of another shard, which both then share."""
    partial = folder.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        file = partial / f"{name}.npy"
        if isinstance(array, pathlib.Path):
            file.unlink(missing_ok=True)
            os.link(array, file)
        else:
            np.save(file, array)
    partial.rename(folder)


def finished_shards(folder):
    """The paths of a folder's shards, by name."""
    return sorted(path for path in folder.glob("[0-9]*_[0-9]*") if path.suffix != ".partial")
