"""Simulated clicks and boxes: in the object first, then where the mask is wrong. Masks are (count, side, side) bool."""

import cv2
import numpy as np
import torch


def innermost_point(mask):
    """(x, y) of the pixel farthest from the mask's border; the picture's edge counts as border."""
    padded = np.pad(mask.astype(np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(x), float(y), float(distance.max())


def random_point(rng, mask):
    """(x, y) of a random pixel, away from the border where the mask is wide enough."""
    padded = np.pad(mask.astype(np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    spots = np.flatnonzero(distance > rng.uniform(0, 0.95) * distance.max())
    y, x = divmod(int(spots[rng.integers(len(spots))]), mask.shape[1])
    return float(x), float(y)


def first_clicks(rng, masks):
    """Points (count, 1, 2) and labels (count, 1) in pixels of the masks."""
    points = [random_point(rng, mask) for mask in masks]
    return torch.tensor(points)[:, None], torch.ones(len(masks), 1, dtype=torch.long)


def tight_box(mask):
    """(left, top, right, bottom), the outermost pixels."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.array([left, top, left + width - 1, top + height - 1], np.float32)


def boxes(rng, masks, jitter=0.1, most=20 / 1024):
    """Points (count, 2, 2), labels (count, 2) of boxes, some tight, some with corners off by about `jitter` of a side.

    With all of them that far off the model learns to leave a box's sides unused.
    """
    corners = []
    for mask in masks:
        box = tight_box(mask)
        sides = np.array([box[2] - box[0], box[3] - box[1]] * 2) + 1
        care = rng.random() ** 2
        noise = care * rng.normal(0, 1, 4) * np.minimum(sides * jitter, most * mask.shape[0])
        corners.append(np.clip(box + noise, 0, mask.shape[0] - 1))
    points = torch.tensor(np.array(corners, np.float32)).view(-1, 2, 2)
    return points, torch.tensor([[2, 3]]).repeat(len(masks), 1)


def correction_clicks(rng, masks, predicted, innermost=False):
    """One more click each, in what is missing or wrongly taken; (count, 1, 2) and (count, 1)."""
    points, labels = [], []
    for mask, own in zip(masks, predicted):
        missing, wrong = mask & ~own, own & ~mask
        if innermost:
            first, second = innermost_point(missing), innermost_point(wrong)
            label = int(first[2] >= second[2])
            x, y = (first if label else second)[:2]
        else:
            errors = missing | wrong
            x, y = random_point(rng, errors if errors.any() else mask)
            label = int(mask[int(y), int(x)])
        points.append((x, y))
        labels.append(label)
    return torch.tensor(points)[:, None], torch.tensor(labels)[:, None]
