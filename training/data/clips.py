"""Composes clips: objects that move, turn, grow, hide behind each other, leave the picture and come back.

    python -m training.data.clips --cache /tmp/train --size 256 --frames 8 --shards 8 --count 64
    python -m training.data.clips --cache /tmp/train --size 256 --frames 30 --shards 1 --count 40 --seed 900 --held-out

A shard is a folder with pictures.npy (count, frames, size, size, 3), ids.npy (count, frames, size, size) and
objects.npy (count, 2): the ids of the two objects to follow, both visible in the first frame.
"""

import argparse
import pathlib
import time

import cv2
import numpy as np

from training.data import shapes
from training.data.compose import Pool, draw_cutout, finish, jitter_colour, paste
from training.data.shard_files import save_shard

FOLLOWED = 2
LEAVING_SHARE = 0.3  # of the objects leave the picture once and come back
LARGEST_GROWTH = 2.2  # over a clip, of an object's sides, by its waves of scale and squeeze
SHORTEST_LEAVE = 6  # frames of a clip in which there is time for that


def smooth_path(rng, frames, reach, start):
    """(frames, 2) positions along a smooth curve from start, about `reach` long per 10 frames."""
    knots = max(3, frames // 5 + 2)
    steps = rng.normal(0, reach / 2, (knots - 1, 2))
    points = np.concatenate([[start], start + np.cumsum(steps, axis=0)])
    at = np.linspace(0, knots - 1, frames * 4)
    curve = np.stack([np.interp(at, np.arange(knots), points[:, k]) for k in range(2)], axis=-1)
    curve = cv2.blur(curve.astype(np.float32), (1, 5), borderType=cv2.BORDER_REPLICATE)
    return curve[::4]


def leave_and_return(rng, path, reach, size):
    """A path that makes a detour out of the picture; reach is from an object's middle to its far end, in pixels.

    The object is wholly outside for a tenth to a third of the clip, and as long again on its way in and out.
    """
    frames = len(path)
    away = max(1, int(frames * rng.uniform(0.1, 0.34)))
    moving = max(1, int(frames * rng.uniform(0.08, 0.2)))
    first = int(rng.integers(1, max(2, frames - away - 2 * moving + 1)))
    turns = first + np.cumsum([0, moving, away, moving])
    at = np.interp(np.arange(frames), turns, [0, 1, 1, 0])
    middle = path[first : first + 2 * moving + away].mean(axis=0)
    # Through the side that is nearest to where the object is.
    gaps = np.array([middle[0], size - middle[0], middle[1], size - middle[1]])
    side = int(gaps.argmin())
    axis, outside = side // 2, (size + reach if side % 2 else -reach)
    path = path.copy()
    path[:, axis] += at * (outside - path[:, axis])
    return path


class Mover:
    """One object of a clip: a cut-out, and where it is, how large and how turned in each frame."""

    def __init__(self, rng, cutouts, photos, size, frames, in_front):
        colour, alpha = draw_cutout(rng, cutouts, photos)
        if rng.random() < 0.5:
            colour = np.clip(jitter_colour(rng, colour, 0.5), 0, 255)
        self.layer = np.concatenate([colour * alpha[..., None], alpha[..., None] * 255], axis=-1).astype(np.float32)
        area = np.exp(rng.uniform(np.log(0.01), np.log(0.25)))
        scale = np.sqrt(area * size * size / max(alpha.sum(), 1))
        if scale < 0.6:
            self.layer = cv2.resize(self.layer, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            scale = 1.0
        start = rng.uniform(0.15, 0.85, 2) * size
        reach = size * np.exp(rng.uniform(np.log(0.05), np.log(0.9 if in_front else 0.6)))
        self.path = smooth_path(rng, frames, reach, start)
        if frames >= SHORTEST_LEAVE and rng.random() < LEAVING_SHARE:
            # Half the diagonal at its largest.
            reach_of_object = 0.5 * np.hypot(*self.layer.shape[:2]) * scale * LARGEST_GROWTH
            self.path = leave_and_return(rng, self.path, reach_of_object, size)
        wave = np.sin(np.linspace(0, rng.uniform(1, 6), frames) + rng.uniform(0, 6))
        self.scales = scale * np.exp(rng.uniform(0, 0.3) * (wave - wave[0]))
        self.angles = rng.uniform(-0.4, 0.4) + np.cumsum(rng.normal(0, rng.uniform(0, 0.08), frames))
        self.squeeze = 1 + rng.uniform(0, 0.2) * np.sin(np.linspace(0, rng.uniform(2, 12), frames))
        self.style = int(rng.integers(1 << 30))

    def draw(self, frame, size):
        """Premultiplied RGBA (size, size, 4) of one frame."""
        height, width = self.layer.shape[:2]
        cos, sin = np.cos(self.angles[frame]), np.sin(self.angles[frame])
        turn = np.array([[cos, -sin], [sin, cos]])
        linear = turn @ np.diag([self.scales[frame] * self.squeeze[frame], self.scales[frame] / self.squeeze[frame]])
        shift = self.path[frame] - linear @ np.array([width / 2, height / 2])
        return cv2.warpAffine(self.layer, np.column_stack([linear, shift]), (size, size))


def moving_background(rng, photos, size, frames):
    """A list of float pictures: a camera that pans and zooms over a photograph or a texture."""
    if rng.random() < 0.2:
        picture = shapes.texture(rng, 2 * size).astype(np.float32)
    else:
        picture = jitter_colour(rng, photos.draw(rng).astype(np.float32), 0.35)
    height, width = picture.shape[:2]
    side = rng.uniform(0.35, 0.8) * min(height, width)
    centre = np.array([width, height]) / 2 + smooth_path(rng, frames, side * rng.uniform(0, 0.3), np.zeros(2))
    zoom = np.exp(rng.normal(0, 0.08) * np.linspace(0, 1, frames))
    if side > 2.5 * size:
        shrink = 2 * size / side
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        centre, side = centre * shrink, side * shrink
    result = []
    for frame in range(frames):
        scale = size / (side * zoom[frame])
        matrix = np.column_stack([scale * np.eye(2), size / 2 - scale * centre[frame]])
        result.append(cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REFLECT).astype(np.float32))
    return result


def compose_clip(rng, cutouts, photos, size, frames):
    """Returns uint8 pictures (frames, size, size, 3), ids (frames, size, size) and the ids of the followed objects."""
    backgrounds = moving_background(rng, photos, size, frames)
    count = int(rng.integers(2, 6))
    movers = [Mover(rng, cutouts, photos, size, frames, index == count - 1) for index in range(count)]
    look = int(rng.integers(1 << 30))
    ids = np.zeros((frames, size, size), np.uint8)
    pictures = np.empty((frames, size, size, 3), np.uint8)
    for frame, picture in enumerate(backgrounds):
        for index, mover in enumerate(movers):
            # The same generator in each frame gives an object the same softness and light all along.
            alpha = paste(np.random.default_rng(mover.style), picture, mover.draw(frame, size))
            ids[frame][alpha > 0.5] = index + 1
        pictures[frame] = finish(np.random.default_rng(look), picture)
    visible = np.bincount(ids[0].ravel(), minlength=count + 1)[1:]
    candidates = np.flatnonzero(visible > 0.004 * size * size) + 1
    return pictures, ids, candidates


def compose_with_objects(rng, cutouts, photos, size, frames):
    while True:
        pictures, ids, candidates = compose_clip(rng, cutouts, photos, size, frames)
        if len(candidates) >= FOLLOWED:
            return pictures, ids, rng.permutation(candidates)[:FOLLOWED]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--count", type=int, default=64, help="clips in a shard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="from the held-out cut-outs and photographs")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    prepared = arguments.cache / "prepared"
    cutouts = Pool(prepared, "cutouts", arguments.held_out)
    photos = Pool(prepared, "photos", arguments.held_out)
    side = "held_out" if arguments.held_out else "train"
    size, frames, count = arguments.size, arguments.frames, arguments.count
    for shard in range(arguments.shards):
        folder = arguments.cache / f"clips_{side}_{size}_{frames}" / f"{arguments.seed:03}_{shard:04}"
        if folder.exists():
            continue
        start = time.time()
        rng = np.random.default_rng([arguments.seed, shard, int(arguments.held_out), frames])
        pictures = np.empty((count, frames, size, size, 3), np.uint8)
        ids = np.empty((count, frames, size, size), np.uint8)
        objects = np.empty((count, FOLLOWED), np.uint8)
        for index in range(count):
            pictures[index], ids[index], objects[index] = compose_with_objects(rng, cutouts, photos, size, frames)
        save_shard(folder, pictures=pictures, ids=ids, objects=objects)
        print(f"{folder}: {(time.time() - start) / count / frames * 1000:.1f} ms a frame", flush=True)


if __name__ == "__main__":
    main()
