#!/usr/bin/env python3
"""Tracks two objects through a clip with `samc track` and with the official PyTorch predictor on this CPU, in turns.

    pip install torch torchvision hydra-core iopath tqdm pillow && pip install --no-deps sam2     # facebookresearch/sam2
    bench/against_official_video.py --samc build/samc --checkpoint tiny.pt --config configs/sam2/sam2_hiera_t.yaml \
        --frames tests/data/images/bedroom --count 20 --rounds 2

Object 1 is prompted by two points and object 2 by a box on frame 0. A folder of fewer images is gone through forwards
and backwards until there are --count frames. The official time is that of init_state, prompts and propagation; ours is
that of the whole process, the compiled module's loading included. Prints both, their ratio, and how far the logits of the
last frame are apart; --json also writes them.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import numpy as np

POINTS = [[210, 350], [250, 220]]
BOX = [300, 0, 500, 400]


def make_clip(source, count, folder):
    images = sorted(pathlib.Path(source).glob("*.jpg"))
    there_and_back = images + images[-2:0:-1]
    for frame in range(count):
        shutil.copy(there_and_back[frame % len(there_and_back)], folder / f"{frame:05}.jpg")


class Official:
    def __init__(self, config, checkpoint, threads):
        import torch
        from sam2.build_sam import build_sam2_video_predictor

        torch.set_num_threads(threads)
        self.torch = torch
        self.predictor = build_sam2_video_predictor(config, checkpoint, device="cpu")

    def track(self, clip):
        begin = time.perf_counter()
        with self.torch.inference_mode():
            state = self.predictor.init_state(str(clip))
            self.predictor.add_new_points_or_box(state, 0, 1, points=np.array(POINTS, np.float32), labels=np.ones(2, np.int32))
            self.predictor.add_new_points_or_box(state, 0, 2, box=np.array(BOX, np.float32))
            for frame, _, _ in self.predictor.propagate_in_video(state):
                print(f"  official: frame {frame}, {time.perf_counter() - begin:.1f} s", flush=True)
            seconds = time.perf_counter() - begin
        outputs = state["output_dict_per_obj"]
        last = max(outputs[0]["non_cond_frame_outputs"])
        logits = [outputs[i]["non_cond_frame_outputs"][last]["pred_masks"].float().numpy().squeeze() for i in range(2)]
        return seconds, last, logits


def track_with_samc(arguments, clip, folder):
    results = folder / "samc.npz"
    command = [arguments.samc, "track", str(clip), "--model", arguments.module or arguments.checkpoint, "--threads",
               str(arguments.threads), "--fill-hole-area", "0", "--save-npz", str(results), "--object", "1"]
    for x, y in POINTS:
        command += ["--point", f"{x},{y}"]
    command += ["--object", "2", "--box", ",".join(map(str, BOX))]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin, np.load(results)


def measured_peak(samc, module, threads):
    text = subprocess.run([samc, "bench", "--model", module, "--repeat", "1", "--threads", str(threads)], check=True,
                          capture_output=True, text=True).stdout
    return text.splitlines()[0], float(re.search(r"FMA peak ([0-9.]+)", text).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samc", required=True)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--module", help="the checkpoint compiled; else samc compiles it, or takes it from its cache")
    parser.add_argument("--config", required=True, help="as build_sam2_video_predictor() takes it")
    parser.add_argument("--frames", required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    official = Official(arguments.config, arguments.checkpoint, arguments.threads)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        clip = folder / "clip"
        clip.mkdir()
        make_clip(arguments.frames, arguments.count, clip)
        machine, peak = measured_peak(arguments.samc, arguments.module or arguments.checkpoint, arguments.threads)
        for turn in range(arguments.rounds):
            seconds, results = track_with_samc(arguments, clip, folder)
            ours.append(seconds / arguments.count)
            print(f"round {turn + 1}: samc {ours[-1]:.2f} s a frame", flush=True)
            seconds, last, logits = official.track(clip)
            theirs.append(seconds / arguments.count)
            print(f"round {turn + 1}: official {theirs[-1]:.2f} s a frame", flush=True)
        errors = []
        for index, wanted in enumerate(logits):
            found = results[f"frame{last}.obj{index + 1}.low_res"].squeeze()
            errors.append(float(np.abs(found - wanted).max() / np.abs(wanted).max()))

    def row(values):
        return [min(values), statistics.median(values), max(values)]

    summary = {"machine": machine, "peak_gflops": peak, "frames": arguments.count, "threads": arguments.threads,
               "samc": row(ours), "official": row(theirs),
               "ratio": statistics.median(theirs) / statistics.median(ours), "last_frame_error": max(errors)}
    print(f"{machine}; measured FMA peak {peak:.1f} GFLOP/s with {arguments.threads} threads")
    print("s a frame (least, median, greatest): samc {:.2f} {:.2f} {:.2f}, ".format(*summary["samc"])
          + "official {:.2f} {:.2f} {:.2f}".format(*summary["official"]))
    print(f"ratio of medians {summary['ratio']:.2f}; low-res logits of frame {last} within {max(errors):.1e} of the largest")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
