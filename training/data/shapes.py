"""Procedural cut-outs and textures: shapes with holes, thin parts and groups, which no package holds."""

import cv2
import numpy as np


def smooth_noise(rng, size, cells):
    """(size, size) in [0, 1], varying over about `cells` cells."""
    coarse = rng.random((cells, cells)).astype(np.float32)
    noise = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    low, high = noise.min(), noise.max()
    return (noise - low) / max(high - low, 1e-6)


def random_colour(rng):
    return rng.integers(0, 256, 3).astype(np.float32)


def texture(rng, size):
    """A float RGB (size, size, 3) texture: noise, stripes, checks, dots or a gradient between two or three colours."""
    first, second = random_colour(rng), random_colour(rng)
    kind = rng.integers(6)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    if kind == 0:
        mix = smooth_noise(rng, size, int(rng.integers(2, 40)))
    elif kind == 1:
        wobble = smooth_noise(rng, size, 4) * rng.uniform(0, 0.3)
        mix = 0.5 + 0.5 * np.sin((along + wobble) * rng.uniform(10, 120))
        mix = (mix > 0.5).astype(np.float32) if rng.random() < 0.5 else mix
    elif kind == 2:
        across = -x * np.sin(angle) + y * np.cos(angle)
        count = rng.uniform(3, 14)
        mix = ((np.floor(along * count) + np.floor(across * count)) % 2).astype(np.float32)
    elif kind == 3:
        count = rng.uniform(3, 14)
        u, v = (x * count) % 1 - 0.5, (y * count) % 1 - 0.5
        mix = (u * u + v * v < rng.uniform(0.02, 0.2)).astype(np.float32)
    elif kind == 4:
        mix = along - along.min()
        mix = mix / mix.max()
    else:
        mix = sum(smooth_noise(rng, size, 2 ** int(k)) / 2**k for k in range(1, 7))
        mix = (mix - mix.min()) / (mix.max() - mix.min())
    colours = first + (second - first) * mix[..., None]
    if rng.random() < 0.5:
        colours = colours + rng.normal(0, rng.uniform(2, 20), (size, size, 1)).astype(np.float32)
    return colours


def polar_outline(rng, size, points=72):
    """A closed outline around the centre: blob, star, flower or gear."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for order in range(1, int(rng.integers(2, 7))):
        radius += rng.uniform(0, 0.5 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.3:
        radius *= 1 + rng.uniform(0.1, 0.4) * np.sign(np.sin(angle * rng.integers(3, 12)))
    radius = radius / np.abs(radius).max() * 0.48 * size
    aspect = rng.uniform(0.4, 1)
    outline = np.stack([np.cos(angle) * radius, np.sin(angle) * radius * aspect], axis=-1) + size / 2
    return outline.round().astype(np.int32)


def draw_shape(rng, size):
    """A uint8 (size, size) alpha: one connected shape, perhaps with holes or thin."""
    alpha = np.zeros((size, size), np.uint8)
    middle = (size // 2, size // 2)
    kind = rng.integers(7)
    if kind <= 1:
        cv2.fillPoly(alpha, [polar_outline(rng, size)], 255)
    elif kind == 2:
        corners = (rng.random((int(rng.integers(3, 7)), 2)) * size).astype(np.int32)
        cv2.fillPoly(alpha, [cv2.convexHull(corners)], 255)
    elif kind == 3:
        half = (int(size * rng.uniform(0.15, 0.48)), int(size * rng.uniform(0.15, 0.48)))
        if rng.random() < 0.5:
            cv2.ellipse(alpha, middle, half, 0, 0, 360, 255, -1)
        else:
            corner, opposite = np.subtract(middle, half), np.add(middle, half)
            cv2.rectangle(alpha, tuple(map(int, corner)), tuple(map(int, opposite)), 255, -1)
    elif kind == 4:
        ring = int(size * rng.uniform(0.03, 0.12))
        half = (int(size * rng.uniform(0.25, 0.42)), int(size * rng.uniform(0.25, 0.42)))
        cv2.ellipse(alpha, middle, half, 0, 0, int(rng.choice([360, 270, 220])), 255, ring)
    elif kind == 5:
        points = np.cumsum(rng.normal(0, size * 0.12, (8, 2)), axis=0)
        points = points - points.min(0)
        points = points / max(points.max(), 1) * size * 0.84 + size * 0.08
        time = np.linspace(0, 7, 60)
        curve = np.stack([np.interp(time, np.arange(8), points[:, k]) for k in range(2)], axis=-1)
        curve = cv2.blur(curve.astype(np.float32), (1, 9), borderType=cv2.BORDER_REPLICATE)
        cv2.polylines(alpha, [curve.round().astype(np.int32)], False, 255, int(size * rng.uniform(0.02, 0.1)) + 1)
    else:
        centre = np.array(middle)
        cv2.circle(alpha, middle, int(size * rng.uniform(0.08, 0.25)), 255, -1)
        for angle in np.arange(int(rng.integers(2, 9))) / rng.uniform(2, 9) * 2 * np.pi + rng.uniform(0, 6):
            end = centre + size * rng.uniform(0.3, 0.47) * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(alpha, middle, tuple(int(v) for v in end), 255, int(size * rng.uniform(0.03, 0.12)) + 1)
    if kind <= 3 and rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            hole = (int(size * rng.uniform(0.3, 0.7)), int(size * rng.uniform(0.3, 0.7)))
            cv2.circle(alpha, hole, int(size * rng.uniform(0.04, 0.12)), 0, -1)
    return alpha


def shade(rng, alpha):
    """A multiplier (height, width, 1) that gives a flat silhouette the look of a body lit from one side."""
    depth = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)
    depth = np.sqrt(depth / max(depth.max(), 1e-6))
    depth = cv2.GaussianBlur(depth, (0, 0), max(alpha.shape) * 0.03)
    slope_y, slope_x = np.gradient(depth)
    angle = rng.uniform(0, 2 * np.pi)
    light = (slope_x * np.cos(angle) + slope_y * np.sin(angle)) * max(alpha.shape) * 0.12
    return (1 + rng.uniform(0, 0.6) * np.clip(light, -1, 1) - rng.uniform(0, 0.4) * (1 - depth))[..., None]
