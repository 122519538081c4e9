"""measure.py [IMAGE]: what Python costs beside the program `samc` of the same package, in turns: importing, and an image and a
prompt with samc-mini. Prints the tables of docs/python.md. IMAGE: else one of 640 x 427 is made up."""

import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import samc
import samc.tools

ROUNDS, REPEAT = 3, 100


def imports(what):
    """ms, least of 15, beyond an interpreter that does nothing."""

    def least(code):
        times = []
        for _ in range(15):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(1e3 * (time.perf_counter() - begin))
        return min(times)

    return least(what) - least("pass")


def ours(image):
    """As `samc bench` does: set_image and predict in turns."""
    predictor = samc.SAM2ImagePredictor(samc.build_sam2(None, "mini", threads=2))
    point, label = np.array([[image.shape[1] / 2, image.shape[0] / 2]]), np.array([1])
    times = {"set_image": [], "predict": []}
    for _ in range(REPEAT + 1):
        begin = time.perf_counter()
        predictor.set_image(image)
        times["set_image"].append(1e3 * (time.perf_counter() - begin))
        begin = time.perf_counter()
        masks, scores, logits = predictor.predict(point, label)
        times["predict"].append(1e3 * (time.perf_counter() - begin))
    return {name: statistics.median(all_but_first[1:]) for name, all_but_first in times.items()}


def program(path):
    words = ["--model", "mini", "--image", path, "--repeat", str(REPEAT), "--threads", "2", "--float-masks"]
    said = subprocess.run([samc.tools.program(), "bench", *words], check=True, capture_output=True, text=True).stdout
    return {name: float(re.search(rf"^  {name} +([0-9.]+)", said, re.M)[1]) for name in ("set_image", "predict")}


print("| what | ms |\n|---|---|")
print(f"| `import samc` | {imports('import samc'):.0f} |")
print(f"| `import numpy` | {imports('import numpy'):.0f} |")
print(f"| `from samc.sam2_image_predictor import SAM2ImagePredictor`, NumPy with it | "
      f"{imports('from samc.sam2_image_predictor import SAM2ImagePredictor'):.0f} |")

with tempfile.NamedTemporaryFile(suffix=".png") as made:
    from PIL import Image

    path = sys.argv[1] if len(sys.argv) > 1 else made.name
    if len(sys.argv) == 1:
        rows, columns = np.mgrid[0:427, 0:640]
        Image.fromarray(np.stack([rows % 256, columns % 256, rows * columns % 256], 2).astype(np.uint8)).save(path)
    pixels = np.array(Image.open(path).convert("RGB"))
    rounds = [(program(path), ours(pixels)) for _ in range(ROUNDS)]
print(f"\n| samc-mini, {pixels.shape[1]} x {pixels.shape[0]}, 2 threads | C++ | Python | beyond |\n|---|---|---|---|")
for name in ("set_image", "predict"):
    there, here = (statistics.median(each[side][name] for each in rounds) for side in (0, 1))
    print(f"| `{name}` | {there:.2f} ms | {here:.2f} ms | {here - there:.2f} ms |")
