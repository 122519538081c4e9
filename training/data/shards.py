"""Reads composed shards and draws training batches from them, endlessly."""

import itertools
import os
import pathlib

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from training import prompts
from training.data.shard_files import finished_shards


WORKER_NICENESS = 5  # drawing batches is quick; the training itself goes first


class Shards:
    """The shards of a folder as memory maps; refresh sees new ones, and which are gone."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.shards = {}
        self.refresh()

    def refresh(self):
        found = {path.name: path for path in finished_shards(self.folder)}
        self.shards = {name: arrays for name, arrays in self.shards.items() if name in found}
        for name in found.keys() - self.shards.keys():
            files = [found[name] / f"{part}.npy" for part in ("pictures", "ids", "masks")]
            try:
                self.shards[name] = [np.load(file, mmap_mode="r") for file in files]
            except FileNotFoundError:  # training.data.fresh has just taken it away
                continue
        self.names = sorted(self.shards)

    def sample(self, rng):
        """A random picture (size, size, 3), its ids and its list of masks as bits."""
        pictures, ids, masks = self.shards[self.names[rng.integers(len(self.names))]]
        index = int(rng.integers(len(pictures)))
        return pictures[index], ids[index], [int(m) for m in masks[index] if m]


def batch_numbers(start):
    """The numbers of the batches that this loading process makes: of W processes each makes every W-th."""
    worker = torch.utils.data.get_worker_info()
    return itertools.count(start + (worker.id if worker else 0), worker.num_workers if worker else 1)


def mask_of(ids, bits):
    """The bool mask of a set of ids."""
    member = (bits >> np.arange(32) & 1).astype(bool)
    return member[ids]


class Batches(IterableDataset):
    """Batches of pictures with `objects` masks each and the first prompts for them.

    The first half of each picture's objects gets a click, the second half a box, or now and then a click with a rough
    mask. A batch is a dictionary; targets are the share of the object in each cell of the low-res logits' grid.
    """

    def __init__(self, folder, image_size, batch, objects, seed, start=0):
        self.folder, self.image_size, self.batch, self.objects = folder, image_size, batch, objects
        self.seed, self.start = seed, start

    def __iter__(self):
        cv2.setNumThreads(1)
        shards = Shards(self.folder)
        for drawn, number in enumerate(batch_numbers(self.start)):
            if drawn % 100 == 0:
                shards.refresh()
            yield self.draw(np.random.default_rng([*self.seed, number]), shards)

    def draw(self, rng, shards):
        pictures, masks, shown, sides = [], [], [], []
        grid = self.image_size // 4
        while len(pictures) < self.batch:
            picture, ids, sets = crop(rng, *shards.sample(rng), self.image_size)
            if not sets:
                continue
            chosen = rng.permutation(len(sets))[: self.objects]
            chosen = np.concatenate([chosen, rng.integers(len(sets), size=self.objects - len(chosen))])
            chosen = rng.permutation(chosen)
            if rng.random() < 0.5:
                picture, ids = picture[:, ::-1], ids[:, ::-1]
            if rng.random() < 0.5:
                gain = rng.uniform(0.75, 1.25, 3) * rng.uniform(0.8, 1.2)
                picture = np.clip(picture * gain.astype(np.float32), 0, 255).astype(np.uint8)
            pictures.append(np.ascontiguousarray(picture))
            masks.append(np.stack([mask_of(ids, sets[i]) for i in chosen]))
            own_ids, own_sides = cell_targets(ids, grid)
            shown.append(own_ids)
            sides.append(own_sides)
        masks = np.stack(masks)  # (batch, objects, size, size)
        half = self.objects // 2
        size = masks.shape[-1]
        clicked, boxed = masks[:, :half].reshape(-1, size, size), masks[:, half:].reshape(-1, size, size)
        click_points, click_labels = prompts.first_clicks(rng, clicked)
        rough = None
        if rng.random() < 0.12:
            box_points, box_labels = prompts.first_clicks(rng, boxed)
            rough = torch.from_numpy(np.stack([rough_logits(rng, mask, grid) for mask in boxed]))[:, None]
        else:
            box_points, box_labels = prompts.boxes(rng, boxed)
        targets = torch.from_numpy(np.stack([share_of_cells(mask, grid) for mask in [*clicked, *boxed]]))[:, None]
        result = {
            "pictures": torch.from_numpy(np.stack(pictures)),
            "targets": [targets[: len(clicked)], targets[len(clicked) :]],
            "points": [click_points, box_points],
            "labels": [click_labels, box_labels],
            "cell_ids": torch.from_numpy(np.stack(shown)),
            "cell_boxes": torch.from_numpy(np.stack(sides)),
        }
        return result | ({} if rough is None else {"rough": rough})


def crop(rng, picture, ids, sets, size):
    """A random square of a picture at the training's size, and those of its masks of which enough is in it."""
    whole = len(picture)
    if rng.random() < 0.6:
        side = int(rng.integers(int(0.55 * whole), whole + 1))
        left, top = rng.integers(whole - side + 1, size=2)
        picture, ids = picture[top : top + side, left : left + side], ids[top : top + side, left : left + side]
    if len(picture) != size:
        picture = cv2.resize(np.ascontiguousarray(picture), (size, size), interpolation=cv2.INTER_AREA)
        ids = cv2.resize(np.ascontiguousarray(ids), (size, size), interpolation=cv2.INTER_NEAREST)
    counts = np.bincount(ids.ravel(), minlength=32)
    areas = [sum(int(counts[i]) for i in range(1, 32) if bits >> i & 1) for bits in sets]
    kept = [bits for bits, area in zip(sets, areas) if max(24, 0.0015 * ids.size) <= area <= 0.93 * ids.size]
    return picture, ids, kept


def cell_targets(ids, grid):
    """What each cell of the grid shows, and the box of that relative to the cell, as dense_loss wants them."""
    step = len(ids) // grid
    cells = ids[step // 2 :: step, step // 2 :: step].astype(np.int64)
    corners = np.zeros((33, 4), np.float32)
    for number in np.unique(cells):
        left, top, width, height = cv2.boundingRect((ids == number).view(np.uint8))
        corners[number] = left, top, left + width, top + height
    centre = (np.arange(grid, dtype=np.float32) + 0.5) / grid
    own = np.stack([*np.meshgrid(centre, centre)] * 2, axis=-1)
    return cells, corners[cells] / len(ids) - own


def share_of_cells(mask, side):
    """How much of each cell of a side x side grid the mask covers."""
    return cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)


def rough_logits(rng, mask, side):
    """A worn copy of a mask as low-res logits: shifted, blurred, grown or shrunk."""
    soft = share_of_cells(mask, side)
    shift = np.float32([[1, 0, rng.normal(0, 1)], [0, 1, rng.normal(0, 1)]])
    soft = cv2.warpAffine(soft, shift, (side, side))
    soft = cv2.GaussianBlur(soft, (0, 0), rng.uniform(0.3, 2.5))
    return ((soft - rng.uniform(0.25, 0.75)) * rng.uniform(4, 20)).astype(np.float32)


def stand_back(worker):
    os.nice(WORKER_NICENESS)


def loader(batches, workers):
    """Draws the batches of an IterableDataset in `workers` processes, in the same order however many they are."""
    return iter(
        DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            persistent_workers=bool(workers),
            worker_init_fn=stand_back,
            pin_memory=torch.cuda.is_available(),
        )
    )
