"""Writes transforms.npz: what torch and torchvision make of small pictures and logits, for runtime/transforms_test.cpp.

Run with torch and torchvision >= 0.17 installed: python3 make.py
"""

import numpy as np
import torch
from torchvision.transforms import Normalize, Resize, ToTensor

SIZE = 16
random = np.random.default_rng(3)
arrays = {}
resize = torch.nn.Sequential(Resize((SIZE, SIZE)), Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
for height, width in [(45, 70), (5, 9), (1, 1), (6, 40), (16, 16), (300, 17)]:
    picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    arrays[f"picture.{height}x{width}"] = picture
    arrays[f"input.{height}x{width}"] = resize(ToTensor()(picture)).numpy()

logits = torch.from_numpy(random.normal(0, 5, (1, 1, 8, 8)).astype(np.float32))
arrays["logits"] = logits[0, 0].numpy()
for height, width in [(13, 21), (5, 3), (1, 1), (8, 8), (64, 50)]:
    full = torch.nn.functional.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
    arrays[f"full.{height}x{width}"] = full[0, 0].numpy()
np.savez_compressed("transforms.npz", **arrays)
