#!/usr/bin/env python3
"""Prints docs/performance.md from what bench/compare measured, and measures start-up, memory and sizes itself.

    bench/performance_page.py FOLDER MODEL.pt     FOLDER holds best.json, avx2.json, one_thread.json (bench/compare.py --json)
"""
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
SAMC = ROOT / "build/samc"
IMAGE = ROOT / "tests/data/images/truck.jpg"
NAMES = {"samc": "samc", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "pytorch": "PyTorch"}
MODULE_AIMS = {"bf16": 80, "int8": 45}
MEMORY_AIMS = {"f32": 420, "bf16": 260, "int8": 200}


def output_of(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def peak_megabytes(*command):
    """Of one child process alone: a fresh parent's getrusage(RUSAGE_CHILDREN)."""
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
            "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    return int(output_of(sys.executable, "-c", code, *command)) / 1000


class Figures:
    """One run of bench/compare.py."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.all = json.load(file)
        self.rows = self.all["participants"]

    def find(self, name, precision):
        return next((row for row in self.rows if (row["name"], row["precision"]) == (name, precision)), None)

    def faster_peer(self, part, precision, names=("onnxruntime", "openvino")):
        rows = [row for name in names if (row := self.find(name, precision)) is not None]
        return min(rows, key=lambda row: row[part]["median"], default=None)

    def peak(self):
        """GFLOP/s of f32 multiply-adds."""
        return float(re.search(r"FMA peak ([0-9]+)", self.all["machine"]).group(1))


def arithmetic(row, function):
    """GFLOP of a function's operations."""
    return sum(float(milliseconds) * float(rate) for milliseconds, rate, _ in row["operations"][function]) / 1e3


def three(figure, digits=1):
    return " / ".join(f"{figure[key]:.{digits}f}" for key in ("least", "median", "most"))


def ratio_row(rows, what, must, goal, row, part="encoder", key="to_samc"):
    """A peer's time over samc's, with the peer named."""
    if row is None:
        rows.append((what, must, goal, "not measured", None))
        return
    value = row[part][key]["median"]
    rows.append((what, f"{must}x", f"{goal}x", f"{value:.2f}x ({NAMES[row['name']]})", value >= must))


def aims(best, avx2, one_thread, startup):
    """(what, must, goal, measured, reached) of each figure that this script can measure."""
    rows = []
    f32, bf16, int8 = (best.find("samc", precision) for precision in ("f32", "bf16", "int8"))
    share = 100 * arithmetic(f32, "image_encoder") / f32["encoder"]["median"] * 1e3 / best.peak()
    rows.append(("encoder f32, share of the measured FMA peak", "86 %", "92 %", f"{share:.0f} %", share >= 86))
    ratio_row(rows, "encoder f32, the faster peer's time / samc's", 1.33, 1.45, best.faster_peer("encoder", "f32"))
    if bf16 is not None:
        ratio_row(rows, "encoder bf16, OpenVINO's time / samc's", 1.15, 1.35, best.find("openvino", "bf16"))
        value = f32["encoder"]["median"] / bf16["encoder"]["median"]
        rows.append(("encoder bf16, samc's f32 time / samc's", "1.7x", "1.9x", f"{value:.2f}x", value >= 1.7))
    if int8 is not None:
        ratio_row(rows, "encoder int8, the faster peer's time / samc's", 1.1, 1.4, best.faster_peer("encoder", "int8"))
        value = f32["encoder"]["median"] / int8["encoder"]["median"]
        rows.append(("encoder int8, samc's f32 time / samc's", "2.2x", "2.8x", f"{value:.2f}x", value >= 2.2))
    else:
        rows.append(("encoder int8", "2.2x", "2.8x", "not built yet", False))
    ratio_row(rows, "encoder f32, all held to AVX2, the faster peer's time / samc's", 1.0, 1.0,
              avx2.faster_peer("encoder", "f32"))
    ratio_row(rows, "decoder f32, one point, the faster peer's time / samc's", 3.5, 6, best.faster_peer("decoder", "f32"),
              "decoder")
    value = one_thread.find("samc", "f32")["encoder"]["median"] / f32["encoder"]["median"]
    rows.append(("encoder f32, one thread's time / two threads'", "1.85x", "", f"{value:.2f}x", value >= 1.85))
    rows.append(("load a module, all checksums", "30 ms", "", f"{startup['load']:.0f} ms", startup["load"] <= 30))
    extra = startup["first_mask"] - f32["encoder"]["median"] / 1e3
    rows.append(("first mask after start, beyond the encoder's time", "0.15 s", "", f"{extra:.2f} s", extra <= 0.15))
    for model, key in (("mini", "mini_prompts"), ("sam2_hiera_tiny", "prompts")):
        rows.append((f"64 prompts in one call, a prompt's time / one alone, {model}", "0.75", "0.6", f"{startup[key]:.2f}",
                     startup[key] <= 0.75))
    for precision, memory in startup["memory"].items():
        rows.append((f"`samc segment`, peak memory, {precision}", f"{MEMORY_AIMS[precision]} MB", "", f"{memory:.0f} MB",
                     memory <= MEMORY_AIMS[precision]))
    for row in (bf16, int8):
        if row is None:
            continue
        size = row["module_bytes"] / 1e6
        rows.append((f"module's file, {row['precision']}", f"{MODULE_AIMS[row['precision']]} MB", "", f"{size:.0f} MB",
                     size <= MODULE_AIMS[row["precision"]]))
    return rows


def least_seconds(*command):
    times = []
    for _ in range(5):
        start = time.monotonic()
        output_of(*command, stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


def prompts_ratio(module):
    """Of 64 prompts in one call the time for one, over that of a prompt alone: the median of three."""
    said = [output_of(ROOT / "build-bench/runtime/prompts_bench", module, "64", "2", "7") for _ in range(3)]
    return statistics.median(float(re.search(r"wall: .* ratio ([0-9.]+)", text).group(1)) for text in said)


def measure_startup(model, work, precisions):
    result = {"memory": {}, "compile": []}
    for precision in precisions:
        module = work / f"{precision}.samc"
        start = time.monotonic()
        output_of(SAMC, "compile", model, "--precision", precision, "-o", module, stderr=subprocess.STDOUT)
        result["compile"].append(time.monotonic() - start)
        segment = [SAMC, "segment", IMAGE, "--point", "500,375", "-o", work / "overlay.png", "--model", module]
        result["memory"][precision] = min(peak_megabytes(*segment) for _ in range(3))
        if precision == "f32":
            # A mask as run lengths, and the same drawn over the image, which is compressed as PNG.
            result["first_mask"] = least_seconds(SAMC, "segment", IMAGE, "--point", "500,375", "--model", module, "--json",
                                                 work / "masks.json")
            result["first_overlay"] = least_seconds(*segment)
            result["prompts"] = prompts_ratio(module)
    mini = work / "mini.samc"
    output_of(SAMC, "compile", "mini", "-o", mini, stderr=subprocess.STDOUT)
    result["mini_prompts"] = prompts_ratio(mini)
    load = output_of(ROOT / "build-bench/runtime/module_load_bench", work / "f32.samc")
    line = next(line for line in load.splitlines() if line.startswith("all checksums, all cores"))
    result["load"] = float(re.search(r"median +([0-9.]+) ms", line).group(1))
    stripped = work / "samc"
    shutil.copy(SAMC, stripped)
    output_of("strip", stripped)
    result["sizes"] = (stripped.stat().st_size / 1e6, (ROOT / "build/lib/libsamc_runtime.a").stat().st_size / 1e6)
    return result


def print_comparison(figures):
    print("| | encoder, ms | / samc | decoder, ms | / samc | memory, MB | image_embed off by | mask IoU, mean (least) |")
    print("|---|---|---|---|---|---|---|---|")
    for row in figures.rows:
        encoder, decoder = row["encoder"], row["decoder"]
        accuracy = ("the reference |" if f"{row['name']} {row['precision']}" == figures.all["reference"] else
                    f"{row['embed_difference']:.1e} | {row['iou_mean']:.4f} ({row['iou_least']:.4f})")
        print(f"| {NAMES[row['name']]} {row['precision']} | {three(encoder)} | {encoder['to_samc']['median']:.2f} | "
              f"{three(decoder)} | {decoder['to_samc']['median']:.2f} | {row['memory']:.0f} | {accuracy} |")
    print()
    for missing in figures.all["missing"]:
        print(f"- {NAMES[missing['name']]} {missing['precision']}: left out; {missing['why']}.")
    if figures.all["missing"]:
        print()


def print_operations(row, function, most):
    operations = row["operations"][function]
    total = sum(float(milliseconds) for milliseconds, _, _ in operations)
    print(f"```\n{function}, {row['precision']}: {total:.1f} ms in {len(operations)} operations\n"
          f"{'ms':>9}{'GFLOP/s':>9}  kernel, operation (the {min(most, len(operations))} longest)")
    for milliseconds, rate, rest in operations[:most]:
        print(f"{float(milliseconds):>9.3f}{float(rate):>9.0f}  {rest}")
    print("```\n")


def main():
    folder, model = pathlib.Path(sys.argv[1]), sys.argv[2]
    best, avx2, one_thread = (Figures(folder / f"{name}.json") for name in ("best", "avx2", "one_thread"))
    built = [row["precision"] for row in best.rows if row["name"] == "samc"]
    with tempfile.TemporaryDirectory() as work:
        startup = measure_startup(model, pathlib.Path(work), built)
    commit = output_of("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip()
    figures = best.all
    versions = ", ".join(sorted({row["version"] for row in best.rows if row["name"] != "samc"}))
    print(f"""# Performance

`bench/compare` made this page on {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, commit {commit}. The model is
{figures['model']}. The machine: {figures['machine']}.
Peers from PyPI: {versions}. Load average {figures['load_average']:.1f}, priority {figures['nice']}.

Every participant is a process of its own with {figures['threads']} threads. They take turns: one run of the encoder, or five of
the decoder. A ratio compares two turns of one round. The table shows least, median and most of {figures['rounds']} rounds.
These machines are shared, so ratios mean more than times.

| what | must | goal | measured | reached |
|---|---|---|---|---|""")
    for what, must, goal, measured, reached in aims(best, avx2, one_thread, startup):
        print(f"| {what} | {must} | {goal} | {measured} | {'' if reached is None else 'yes' if reached else '**no**'} |")
    print(f"""
## Beside the peers

`/ samc` is the peer's time over samc's in the same precision. Accuracy is against {NAMES[figures['reference'].split()[0]]} in f32:
the largest difference of `image_embed`, of its largest value, and the IoU of 24 masks. The peers' int8 is what their own tools
make by their defaults. samc computes a part of the decoder when the image is set, once; the decoder's time here is a prompt's.
""")
    print_comparison(best)
    print("## All held to AVX2\n\nsamc by `SAMC_ISA=avx2`. The peers see a processor without AVX-512, AVX-VNNI and AMX "
          "(`bench/hold_to_avx2.c`).\n")
    print_comparison(avx2)
    print("## Where the time goes\n")
    for precision in built:
        row = best.find("samc", precision)
        print_operations(row, "image_encoder", 14)
        print_operations(row, "mask_decoder_few_points", 6)
    samc_size, library_size = startup["sizes"]
    print(f"""## Start-up and sizes

| what | |
|---|---|
| `samc compile`, whole process | {statistics.median(startup['compile']):.2f} s |
| load a module, all checksums | {startup['load']:.1f} ms |
| `samc segment --json`, whole process | {startup['first_mask']:.2f} s |
| `samc segment -o overlay.png`, whole process | {startup['first_overlay']:.2f} s |
| `samc`, stripped | {samc_size:.1f} MB |
| `libsamc_runtime.a` | {library_size:.1f} MB |""")


if __name__ == "__main__":
    main()
