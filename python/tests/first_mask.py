"""first_mask.py WHEEL: what a user waits for: pip installs the wheel, with NumPy, into a new environment, and a new process
there gives the first mask of samc-mini. Nothing that samc compiled earlier is used. Prints the table of docs/python.md; exit
code 1 where a limit does not hold. Needs nothing but Python."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

MEGABYTES, FIRST_MASK_SECONDS, IMPORT_MS = 25, 10, 60
FIRST = """
import sys
import numpy as np
from samc.build_sam import build_sam2
from samc.sam2_image_predictor import SAM2ImagePredictor
predictor = SAM2ImagePredictor(build_sam2(None, "mini"))
rows, columns = np.mgrid[0:427, 0:640]
predictor.set_image(np.stack([rows % 256, columns % 256, rows * columns % 256], 2).astype(np.uint8))
masks, scores, logits = predictor.predict(np.array([[320, 213]]), np.array([1]))
assert masks.shape == (3, 427, 640) and 0 < masks.sum() < masks.size, masks.shape
"""


def seconds(command, environment):
    begin = time.perf_counter()
    subprocess.run(command, check=True, env=environment, cwd="/")
    return time.perf_counter() - begin


def main():
    wheel = pathlib.Path(sys.argv[1]).resolve()
    megabytes = wheel.stat().st_size / 1e6
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        environment.pop("PYTHONPATH", None)
        # pip's own cache is what makes the network warm; samc's starts empty.
        pip_cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True)
        if pip_cache.returncode == 0:
            environment["PIP_CACHE_DIR"] = pip_cache.stdout.strip()
        made = seconds([sys.executable, "-m", "venv", f"{folder}/venv"], environment)
        python = f"{folder}/venv/bin/python"
        installed = seconds([python, "-m", "pip", "install", "-q", str(wheel)], environment)
        first = seconds([python, "-c", FIRST], environment)
        second = seconds([python, "-c", FIRST], environment)

        def least(code):
            return 1e3 * min(seconds([python, "-c", code], environment) for _ in range(15))

        imported = least("import samc") - least("pass")
    print("| what | | at most |\n|---|---|---|")
    print(f"| the wheel | {megabytes:.1f} MB | {MEGABYTES} MB |")
    print(f"| a new environment (`python -m venv`) | {made:.1f} s | |")
    print(f"| `pip install` of the wheel and NumPy | {installed:.1f} s | |")
    print(f"| a new process: imports, compiles samc-mini, first mask | {first:.2f} s | |")
    print(f"| installation and first mask together | {installed + first:.1f} s | {FIRST_MASK_SECONDS} s |")
    print(f"| the next process: imports, loads samc-mini, first mask | {second:.2f} s | |")
    print(f"| `import samc` | {imported:.0f} ms | {IMPORT_MS} ms |")
    if megabytes > MEGABYTES or installed + first > FIRST_MASK_SECONDS or imported > IMPORT_MS:
        raise SystemExit("a limit does not hold")


if __name__ == "__main__":
    main()
