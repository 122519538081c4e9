"""Composes training pictures from the prepared cut-outs and photographs, into shards that the training reads.

    python -m training.data.compose --cache /tmp/train --size 256 --shards 60 --seed 1

A shard is a folder with pictures.npy (count, size, size, 3), ids.npy (count, size, size) and masks.npy (count, 24): ids
names what each pixel shows, and a mask is a set of ids as the bits of a uint32 (0 means no mask). Parts and wholes
overlap that way without storing a picture each.
"""

import argparse
import json
import pathlib
import time

import cv2
import numpy as np

from training.data import shapes
from training.data.shard_files import save_shard

MAX_MASKS = 24
MAX_OBJECTS = 14
GROUP_WEIGHTS = {"stamp": 6.0, "icon": 1.0, "clipart": 1.0, "emoji": 1.0, "sign": 0.5}


class Pool:
    """The pictures of one flat file that are on one side of the split."""

    def __init__(self, prepared, kind, held_out):
        rows = json.loads((prepared / f"{kind}.json").read_text())
        self.rows = [row for row in rows if row["held_out"] == held_out]
        self.data = np.memmap(prepared / f"{kind}.bin", np.uint8, mode="r")
        weights = np.array([GROUP_WEIGHTS.get(row["group"], 1.0) for row in self.rows])
        self.cumulative = np.cumsum(weights / weights.sum())

    def draw(self, rng):
        row = self.rows[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.rows) - 1)]
        shape = (row["height"], row["width"], row["channels"])
        return self.data[row["offset"] : row["offset"] + int(np.prod(shape))].reshape(shape)


def jitter_colour(rng, picture, strength):
    """Changes brightness, contrast, saturation and colour balance of a float RGB picture."""
    gain = 1 + rng.uniform(-strength, strength) + rng.uniform(-0.4, 0.4, 3) * strength
    grey = picture.mean(axis=-1, keepdims=True)
    saturation = 1 + rng.uniform(-1, 1) * strength
    mean = grey.mean()
    contrast = 1 + rng.uniform(-1, 0.6) * strength
    picture = grey + (picture - grey) * saturation
    picture = (picture - mean) * contrast + mean
    return picture * gain.astype(np.float32) + rng.uniform(-60, 60) * strength


def crop_photo(rng, photo, size, least=0.12):
    """A random crop of a photograph, (size, size, 3) float."""
    height, width = photo.shape[:2]
    side = np.exp(rng.uniform(np.log(least), 0)) * min(height, width)
    crop_width = int(np.clip(side * rng.uniform(0.8, 1.5), 32, width))
    crop_height = int(np.clip(side * rng.uniform(0.8, 1.25), 32, height))
    left, top = int(rng.integers(width - crop_width + 1)), int(rng.integers(height - crop_height + 1))
    crop = photo[top : top + crop_height, left : left + crop_width]
    crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA if crop_width > size else cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.15:
        crop = crop[::-1]
    return crop.astype(np.float32)


def background(rng, photos, size):
    if rng.random() < 0.15:
        return shapes.texture(rng, size).astype(np.float32)
    picture = crop_photo(rng, photos.draw(rng), size)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 5) * size / 256)
    return jitter_colour(rng, picture, 0.35).astype(np.float32)


def draw_cutout(rng, cutouts, photos):
    """A float RGB and a float alpha in [0, 1]."""
    kind = rng.random()
    if kind < 0.14:
        size = 192
        alpha = shapes.draw_shape(rng, size)
        if rng.random() < 0.5:
            colour = shapes.texture(rng, size)
        else:
            colour = jitter_colour(rng, crop_photo(rng, photos.draw(rng), size, 0.05), 0.5)
        colour = colour * shapes.shade(rng, alpha) if rng.random() < 0.7 else colour
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)
    else:
        cutout = cutouts.draw(rng)
        colour, alpha = cutout[..., :3].astype(np.float32), cutout[..., 3]
        if kind < 0.28:
            size = max(alpha.shape)
            fill = crop_photo(rng, photos.draw(rng), size, 0.05) if rng.random() < 0.75 else shapes.texture(rng, size)
            fill = jitter_colour(rng, fill, 0.5)[: alpha.shape[0], : alpha.shape[1]] * shapes.shade(rng, alpha)
            # Some of the drawing's own lines stay visible in the new material.
            colour = fill + (colour - colour.mean()) * rng.uniform(0, 0.5)
        elif kind < 0.36:
            colour = colour * shapes.shade(rng, alpha)
    return np.clip(colour, 0, 255), alpha.astype(np.float32) / 255


def warp_matrix(rng, shape, scale, centre):
    """A projective map of a cut-out of this shape onto the picture, by scale with its middle at centre."""
    height, width = shape
    spread = 0.25 if rng.random() < 0.6 else np.pi
    angle = rng.uniform(-spread, spread)
    aspect = np.exp(rng.uniform(-0.25, 0.25))
    flip = -1 if rng.random() < 0.5 else 1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, rng.uniform(-0.2, 0.2)], [0, 1]])
    linear = turn @ shear @ np.diag([flip * scale * aspect, scale / aspect])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre - linear @ np.array([width / 2, height / 2])
    if rng.random() < 0.3:
        tilt = np.eye(3)
        tilt[2, :2] = rng.uniform(-0.25, 0.25, 2) / max(shape)
        to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
        matrix = matrix @ np.linalg.inv(to_middle) @ tilt @ to_middle
    return matrix


def bend(rng, layer):
    """An elastic deformation of a picture or alpha."""
    height, width = layer.shape[:2]
    strength = rng.uniform(0.02, 0.07) * max(height, width)
    coarse = rng.normal(0, strength, (2, 4, 4)).astype(np.float32)
    shift = [cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in coarse]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(layer, x + shift[0], y + shift[1], cv2.INTER_LINEAR)


def place(rng, colour, alpha, size, area, centre):
    """Warps a cut-out to cover about `area` of the picture; returns premultiplied RGBA (size, size, 4)."""
    layer = np.concatenate([colour * alpha[..., None], alpha[..., None] * 255], axis=-1)
    if rng.random() < 0.2:
        layer = bend(rng, layer)
    scale = np.sqrt(area * size * size / max(alpha.sum(), 1))
    if scale < 0.6:
        layer = cv2.resize(layer, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        scale = 1.0
    matrix = warp_matrix(rng, layer.shape[:2], scale, centre)
    return cv2.warpPerspective(layer, matrix, (size, size), flags=cv2.INTER_LINEAR)


def random_area(rng):
    """Most things are of middling size; from about 0.5 to 80 % of the picture."""
    return float(np.exp(rng.uniform(np.log(0.006), np.log(0.8))) if rng.random() < 0.6 else rng.uniform(0.02, 0.35))


def match_light(rng, layer, picture):
    """Draws an object's colours towards what lies under it and lights it from one side."""
    alpha = layer[..., 3:] / 255
    total = alpha.sum()
    if total < 1:
        return layer
    if rng.random() < 0.6:
        own = np.array(cv2.sumElems(layer)[:3], np.float32) / total
        under = np.array(cv2.sumElems(picture * alpha)[:3], np.float32) / total
        layer[..., :3] += (under - own) * rng.uniform(0, 0.6) * alpha
    if rng.random() < 0.4:
        height, width = layer.shape[:2]
        y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
        x = np.linspace(-0.5, 0.5, width, dtype=np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        light = 1 + rng.uniform(0, 0.8) * (x * np.cos(angle) + y * np.sin(angle))
        layer[..., :3] *= light[..., None]
    layer[..., :3] = np.clip(layer[..., :3], 0, layer[..., 3:])
    return layer


def cast_shadow(rng, picture, alpha, size):
    offset = rng.uniform(-0.06, 0.06, 2) * size
    offset[1] = abs(offset[1])
    matrix = np.float32([[1, 0, offset[0]], [0, 1, offset[1]]])
    shadow = cv2.warpAffine(alpha, matrix, (size, size))
    shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(1, 8) * size / 256)
    return picture * (1 - rng.uniform(0.2, 0.7) * shadow[..., None])


def paste(rng, picture, layer):
    """Puts premultiplied RGBA onto the picture, in place; returns the alpha."""
    size = picture.shape[0]
    if rng.random() < 0.3:
        layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.4, 1.2) * size / 256)
    alpha = layer[..., 3] / 255
    if rng.random() < 0.4:
        picture[:] = cast_shadow(rng, picture, alpha, size)
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if width:
        box = np.s_[top : top + height, left : left + width]
        lit = match_light(rng, layer[box], picture[box])
        picture[box] = picture[box] * (1 - alpha[box][..., None]) + lit[..., :3]
    return alpha


def finish(rng, picture):
    """What a camera does to the whole picture; returns uint8."""
    picture = jitter_colour(rng, picture, 0.15)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2) * picture.shape[0] / 256)
    if rng.random() < 0.5:
        picture = picture + rng.normal(0, rng.uniform(1, 10), picture.shape).astype(np.float32)
    if rng.random() < 0.04:
        picture = np.repeat(picture.mean(axis=-1, keepdims=True), 3, axis=-1)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture


class Scene:
    """A picture under composition: the float picture, the ids, and each mask as a set of ids in bits."""

    def __init__(self, picture):
        self.picture = picture
        self.size = picture.shape[0]
        self.ids = np.zeros(picture.shape[:2], np.uint8)
        self.count = 0
        self.full_areas = {}
        self.masks = []

    def add(self, rng, layer, parts_of=None):
        """Pastes an object; as a part it stays inside the object it is a part of and belongs to its masks too."""
        if parts_of is not None:
            layer = layer * (self.ids == parts_of)[..., None]
        alpha = paste(rng, self.picture, layer)
        covered = alpha > 0.5
        if covered.sum() < 20:
            return None
        self.count += 1
        self.ids[covered] = self.count
        self.full_areas[self.count] = int(covered.sum())
        bit = 1 << self.count
        if parts_of is not None:
            self.masks = [mask | bit if mask & (1 << parts_of) else mask for mask in self.masks]
        self.masks.append(bit)
        return self.count

    def useful_masks(self):
        """The masks that are large enough and not mostly hidden, as bits."""
        visible = np.bincount(self.ids.ravel(), minlength=32)
        least = 0.0015 * self.ids.size
        kept = []
        for mask in dict.fromkeys(self.masks):
            members = [i for i in range(1, self.count + 1) if mask >> i & 1]
            area = sum(int(visible[i]) for i in members)
            if area >= least and area >= 0.2 * self.full_areas[members[0]] and area <= 0.93 * self.ids.size:
                kept.append(mask)
        return kept[:MAX_MASKS]


def compose(rng, cutouts, photos, size):
    """Returns a uint8 picture, its uint8 ids and the list of masks."""
    scene = Scene(background(rng, photos, size))
    count = int(rng.choice([1, 2, 3, 4, 5, 6, 8], p=[0.08, 0.14, 0.2, 0.2, 0.16, 0.12, 0.1]))
    areas = sorted((random_area(rng) for _ in range(count)), reverse=rng.random() < 0.85)
    for area in areas:
        if scene.count >= MAX_OBJECTS - 4:
            break
        colour, alpha = draw_cutout(rng, cutouts, photos)
        if rng.random() < 0.5:
            colour = np.clip(jitter_colour(rng, colour, 0.5), 0, 255)
        centre = rng.uniform(0.02, 0.98, 2) * size
        if area > 0.3:
            centre = rng.uniform(0.3, 0.7, 2) * size
        layer = place(rng, colour, alpha, size, area, centre)
        placed = scene.add(rng, layer)
        if placed is None:
            continue
        if area > 0.03 and rng.random() < 0.15:
            inside = np.argwhere(scene.ids == placed)
            if len(inside):
                spot = inside[rng.integers(len(inside))][::-1].astype(np.float64)
                part_colour, part_alpha = draw_cutout(rng, cutouts, photos)
                part = place(rng, part_colour, part_alpha, size, area * rng.uniform(0.08, 0.4), spot)
                scene.add(rng, part, parts_of=placed)
        elif area < 0.06 and rng.random() < 0.12:
            # A group: more of the same thing beside it, each one an object and all together another.
            members = [placed]
            for _ in range(int(rng.integers(1, 4))):
                beside = centre + rng.normal(0, 1.2 * np.sqrt(area) * size, 2)
                member = scene.add(rng, place(rng, colour, alpha, size, area * rng.uniform(0.7, 1.3), beside))
                if member is not None:
                    members.append(member)
    return finish(rng, scene.picture), scene.ids, scene.useful_masks()


def compose_with_masks(rng, cutouts, photos, size):
    while True:
        picture, ids, masks = compose(rng, cutouts, photos, size)
        if masks and picture.std() > 12:
            return picture, ids, masks


def mask_row(sets):
    """Masks as a shard holds them: 0 behind the last."""
    return np.array(sets + [0] * (MAX_MASKS - len(sets)), np.uint32)


def write_shard(folder, rng, cutouts, photos, size, count):
    pictures = np.empty((count, size, size, 3), np.uint8)
    ids = np.empty((count, size, size), np.uint8)
    masks = np.empty((count, MAX_MASKS), np.uint32)
    for index in range(count):
        pictures[index], ids[index], sets = compose_with_masks(rng, cutouts, photos, size)
        masks[index] = mask_row(sets)
    save_shard(folder, pictures=pictures, ids=ids, masks=masks)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--count", type=int, default=512, help="pictures in a shard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="from the held-out cut-outs and photographs")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    prepared = arguments.cache / "prepared"
    cutouts = Pool(prepared, "cutouts", arguments.held_out)
    photos = Pool(prepared, "photos", arguments.held_out)
    side = "held_out" if arguments.held_out else "train"
    for shard in range(arguments.shards):
        folder = arguments.cache / f"shards_{side}_{arguments.size}" / f"{arguments.seed:03}_{shard:04}"
        if folder.exists():
            continue
        start = time.time()
        # Each shard has a generator of its own, so that a run that is started again makes the same shards.
        rng = np.random.default_rng([arguments.seed, shard, int(arguments.held_out)])
        write_shard(folder, rng, cutouts, photos, arguments.size, arguments.count)
        print(f"{folder}: {(time.time() - start) / arguments.count * 1000:.1f} ms a picture", flush=True)


if __name__ == "__main__":
    main()
