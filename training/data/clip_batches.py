"""Draws training batches from composed clips, endlessly. Batch number n is the same whenever a training gets there."""

import pathlib

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from training import prompts
from training.data.shard_files import finished_shards
from training.data.shards import batch_numbers, share_of_cells

SMALLEST_SHARE = 0.004  # of the first frame, for an object to be followed
MASK_PROMPTS = 0.15  # share of the batches whose first frame is given as a mask


class ClipBatches(IterableDataset):
    """Runs of `frames` frames with `objects` followed objects each; backwards, mirrored or every second frame at times.

    An object may be followed twice, with another prompt, where a clip shows few of them.
    """

    def __init__(self, folder, image_size, batch, objects, frames, seed, start=0):
        self.folder, self.image_size, self.batch, self.objects = pathlib.Path(folder), image_size, batch, objects
        self.frames, self.seed, self.start = frames, seed, start

    def __iter__(self):
        cv2.setNumThreads(1)
        found = finished_shards(self.folder)
        shards = [[np.load(path / f"{part}.npy", mmap_mode="r") for part in ("pictures", "ids")] for path in found]
        if not shards:
            raise FileNotFoundError(f"{self.folder}: no clips; compose some with training.data.clips")
        for number in batch_numbers(self.start):
            yield self.draw(np.random.default_rng([*self.seed, number]), shards)

    def draw(self, rng, shards):
        pictures, targets, first = [], [], []
        while len(pictures) < self.batch:
            clips, ids = shards[rng.integers(len(shards))]
            index = int(rng.integers(len(clips)))
            clip, labels = self.run_of_frames(rng, clips[index], ids[index])
            counts = np.bincount(labels[0].ravel(), minlength=2)[1:]
            visible = np.flatnonzero(counts > SMALLEST_SHARE * labels[0].size) + 1
            if len(visible) == 0:
                continue
            chosen = rng.permutation(visible)[: self.objects]
            chosen = np.concatenate([chosen, rng.choice(visible, self.objects - len(chosen))])
            pictures.append(clip)
            for number in chosen:
                masks = labels == number
                targets.append(np.stack([share_of_cells(mask, self.image_size // 4) for mask in masks]))
                first.append(np.ascontiguousarray(masks[0]))
        # Each object gets its kind of prompt at random: half clicks, half boxes.
        clicks, _ = prompts.first_clicks(rng, first)
        corners, _ = prompts.boxes(rng, first)
        boxed = torch.from_numpy(rng.random(len(first)) < 0.5)
        points = torch.where(boxed[:, None, None], corners, torch.cat([clicks, torch.zeros_like(clicks)], dim=1))
        labels = torch.where(boxed[:, None], torch.tensor([2, 3]), torch.tensor([1, -1]))
        given = {"masks": torch.from_numpy(np.stack(first))[:, None].float()} if rng.random() < MASK_PROMPTS else {}
        return given | {
            "pictures": torch.from_numpy(np.stack(pictures)),  # (clips, frames, size, size, 3)
            "targets": torch.from_numpy(np.stack(targets))[:, :, None],  # (clips * objects, frames, 1, grid, grid)
            "points": points,
            "labels": labels,
        }

    def run_of_frames(self, rng, clip, ids):
        """A run of frames at the training's size, in whichever direction and speed."""
        step = int(rng.integers(1, 1 + min(2, (len(clip) - 1) // (self.frames - 1))))
        start = int(rng.integers(len(clip) - step * (self.frames - 1)))
        at = start + step * np.arange(self.frames)
        at = at[::-1] if rng.random() < 0.5 else at
        clip, ids = clip[at], ids[at]
        whole, size = clip.shape[1], self.image_size
        side = int(rng.integers(size, whole + 1)) if rng.random() < 0.5 else whole
        left, top = rng.integers(whole - side + 1, size=2)
        clip, ids = (part[:, top : top + side, left : left + side] for part in (clip, ids))
        if rng.random() < 0.5:
            clip, ids = clip[:, :, ::-1], ids[:, :, ::-1]
        clip, ids = np.ascontiguousarray(clip), np.ascontiguousarray(ids)
        if side != size:
            clip = np.stack([cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in clip])
            ids = np.stack([cv2.resize(frame, (size, size), interpolation=cv2.INTER_NEAREST) for frame in ids])
        return clip, ids
