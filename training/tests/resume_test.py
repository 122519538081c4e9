"""A training that was stopped and continued ends with the same state, bit for bit, as one that was not.

    python -m unittest training.tests.resume_test
"""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch

from training import train_clips, train_image

CONFIG = pathlib.Path(__file__).parents[2] / "models/mini/mini.yaml"
SIZE = 64
STEPS, STOPPED_AT = 5, 2
STEPS_OF_TWO, TWO_STOPPED_AT = 20, 10  # processes; they stop only where they exchange weights


def make_pictures(rng, shape):
    """Noise with two rectangles on it; returns pictures (*shape, SIZE, SIZE, 3) and ids (*shape, SIZE, SIZE)."""
    ids = np.zeros((*shape, SIZE, SIZE), np.uint8)
    ids[..., 8:40, 10:30] = 1
    ids[..., 20:60, 34:58] = 2
    noise = rng.integers(0, 120, (*shape, SIZE, SIZE, 3))
    return (noise + 60 * ids[..., None]).astype(np.uint8), ids


def make_cache(folder):
    rng = np.random.default_rng(5)
    pictures, ids = make_pictures(rng, (6,))
    masks = np.zeros((6, 24), np.uint32)
    masks[:, :2] = 1 << 1, 1 << 2
    stills = folder / f"shards_train_{SIZE}" / "001_0000"
    clips = folder / f"clips_train_{SIZE}_4" / "001_0000"
    for below, arrays in ((stills, (pictures, ids, masks)), (clips, make_pictures(rng, (3, 4)))):
        below.mkdir(parents=True)
        for name, array in zip(("pictures", "ids", "masks"), arrays):
            np.save(below / f"{name}.npy", array)


def run(train, arguments, *own):
    with mock.patch.object(sys, "argv", [str(value) for value in ("train", *arguments, *own)]):
        train()


def states(folder):
    def flat(value, prefix=""):
        if isinstance(value, dict):
            return {k: v for key, part in value.items() for k, v in flat(part, f"{prefix}{key}/").items()}
        if isinstance(value, list):
            return {k: v for key, part in enumerate(value) for k, v in flat(part, f"{prefix}{key}/").items()}
        return {prefix: value}

    result = flat(torch.load(folder / "state.pt", weights_only=True))
    return {name: value for name, value in result.items() if name not in ("seconds/", "best/")}


class ResumeTest(unittest.TestCase):
    def expect_same(self, train, arguments, folder, steps=STEPS, stopped_at=STOPPED_AT):
        whole, parts = folder / "whole", folder / "parts"
        run(train, arguments, "--run", whole, "--steps", steps)
        run(train, arguments, "--run", parts, "--steps", stopped_at)
        between = states(parts)
        run(train, arguments, "--run", parts, "--steps", steps)
        first, second = states(whole), states(parts)
        self.assertEqual(first.keys(), second.keys())
        self.assertEqual(second["step/"], steps)
        for name, value in first.items():
            same = torch.equal(value, second[name]) if torch.is_tensor(value) else value == second[name]
            self.assertTrue(same, name)
        name = "model/sam_mask_decoder.mask_tokens.weight/" if train is train_image.main else "model/no_obj_ptr/"
        self.assertFalse(torch.equal(between[name], second[name]), "nothing was learned between")

    def test_image_and_clips(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            make_cache(folder)
            shared = ["--cache", folder, "--config", CONFIG, "--image-size", SIZE, "--shard-size", SIZE]
            shared += ["--budget-minutes", 1000, "--score-minutes", 1000, "--device", "cpu", "--hold", 1]
            # What depends on the time spent (rate, short prompting) stays the same over so little of the budget.
            image = [*shared, "--batch", 2, "--objects", 2, "--dense", 0.5, 0.5, "--warmup", 10]
            self.expect_same(train_image.main, image, folder / "image")
            weights = ["--weights", folder / "image/whole/state.pt", "--clip-frames", 4, "--frames", 3]
            clips = [*shared, *weights, "--batch", 1, "--objects", 2, "--decoder-rate", 1e-4, "--taught", 0.5, 0.5]
            self.expect_same(train_clips.main, clips, folder / "clips")
            two = [*image, "--processes", 2, "--muon"]
            self.expect_same(train_image.main, two, folder / "two", STEPS_OF_TWO, TWO_STOPPED_AT)


if __name__ == "__main__":
    unittest.main()
