"""compare.py OFFICIAL.npz SAMC.npz: same keys, shapes and dtypes; numbers within the tolerances below. Exit code 1 where not."""

import sys

import numpy as np

official, ours = (np.load(path) for path in sys.argv[1:])
LOGITS = 2e-3  # of low-res and video logits and embeddings, of their largest value
SCORES = 1e-4
PIXELS = 2e-4  # of a mask: those whose logit is beside the threshold

failed = False


def fail(key, text):
    global failed
    failed = True
    print(f"  {key}: {text}")


for key in sorted(set(official.files) ^ set(ours.files)):
    fail(key, f"only {'official' if key in official.files else 'ours'}")
worst = {"pixels of a mask": (0.0, "-"), "logits": (0.0, "-"), "scores": (0.0, "-")}
for key in sorted(set(official.files) & set(ours.files)):
    a, b = official[key], ours[key]
    if a.shape != b.shape or (a.dtype != b.dtype and a.ndim > 0):
        fail(key, f"official {a.dtype} {a.shape}, ours {b.dtype} {b.shape}")
        continue
    if a.size == 0:
        continue
    if a.ndim <= 1 and a.dtype.kind in "iuU":
        if not np.array_equal(a, b):
            fail(key, f"official {a}, ours {b}")
        continue
    is_mask = a.dtype == bool or (a.ndim >= 3 and ((a == 0) | (a == 1)).all())
    a, b = a.astype(np.float64), b.astype(np.float64)
    if is_mask:
        kind, apart, limit = "pixels of a mask", np.mean(a != b), PIXELS
    elif a.ndim >= 3:
        kind, apart, limit = "logits", np.abs(a - b).max() / max(np.abs(a).max(), 1e-9), LOGITS
    else:
        kind, apart, limit = "scores", np.abs(a - b).max(), SCORES
    worst[kind] = max(worst[kind], (float(apart), key))
    if not apart <= limit:
        fail(key, f"{kind}: {apart:.2e} apart, {limit:.0e} allowed")
print(f"{len(set(official.files) & set(ours.files))} results compared")
for kind, (apart, key) in worst.items():
    print(f"  {kind}: at most {apart:.1e} apart ({key})")
sys.exit(1 if failed else 0)
