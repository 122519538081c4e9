#!/usr/bin/env python3
"""Times samc beside ONNX Runtime, OpenVINO and PyTorch on one model, in turns, with the accuracy beside the speed.

Run by bench/compare, which installs the peers and builds what this needs. Each participant is a runtime in one precision and
a process of its own, with the same number of threads; in a round each has one turn, in an order that changes from round to round.
A ratio is of two turns of the same round. Accuracy is against PyTorch in f32 (without it: samc in f32), each participant
decoding its own encoder's outputs: the largest difference of image_embed, of its largest value; and the IoU of masks, over
eight prompts of one point, three masks each.

Writes the figures as JSON; performance_page.py makes the document of them.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
PAUSE = 0.03  # seconds between turns, for threads to fall asleep
MAPS = ("high_res_feats_0", "high_res_feats_1", "image_embed")
POINTS = [(0.28, 0.31), (0.52, 0.40), (0.75, 0.52), (0.15, 0.80), (0.88, 0.20), (0.40, 0.65), (0.60, 0.15), (0.33, 0.50)]
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class Participant:
    """A child process that answers lines: bench/model_bench, or bench/peer.py."""

    def __init__(self, name, precision, command, environment, folder):
        self.name, self.precision, self.folder = name, precision, folder
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(folder / f"{name}.{precision}.log", "w", encoding="utf-8"),
                                        text=True, env={**os.environ, **environment})

    def read_line(self):
        line = self.process.stdout.readline()
        if not line:
            log = (self.folder / f"{self.name}.{self.precision}.log").read_text().strip().splitlines()
            raise RuntimeError(log[-1] if log else "ended without a word")
        if line.startswith("error"):
            raise RuntimeError(line.strip())
        return line.rstrip("\n")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read_line()

    def set_input(self, name, values):
        path = self.folder / f"input_{name}"
        np.ascontiguousarray(values, np.float32).tofile(path)
        self.ask(f"input {name} {path}")

    def output(self, name, shape):
        path = self.folder / f"output_{name}"
        self.ask(f"output {name} {path}")
        return np.fromfile(path, np.float32).reshape(shape)

    def timed(self, *functions):
        """Milliseconds by the clock and of the processor, of all the functions together."""
        return [sum(column) for column in zip(*([float(word) for word in self.ask(f"run {function}").split()]
                                                for function in functions))]

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


class Samc(Participant):
    def __init__(self, bench, module, precision, threads, environment, folder):
        super().__init__("samc", precision, [bench, module, "--threads", threads], environment, folder)
        # Neighbours can halve a single measurement of the peak.
        self.version = max((self.ask("machine") for _ in range(3)), key=lambda text: float(text.split()[-2]))

    def encode(self):
        return self.timed("image_encoder")

    def take_features(self, features):
        for name, values in features.items():
            self.set_input(name, values)
        self.timed("no_mask")
        self.timed("mask_decoder_picture", "mask_decoder_dense")

    def set_point(self, x, y):
        self.set_input("point_coords", [[[x, y], [0, 0]]])
        self.set_input("point_labels", [[1, -1]])

    def decode(self):
        return self.timed("mask_decoder_few_points points=2")

    def masks(self):
        return self.output("low_res_logits", (4, -1))[1:]

    def profile(self, function, rounds):
        rows = [self.ask(f"profile {rounds} {function}")]
        while rows[-1]:
            rows.append(self.read_line())
        return [row.split(" ", 2) for row in rows[:-1]]


class Peer(Participant):
    def __init__(self, name, precision, threads, environment, folder):
        super().__init__(name, precision, [sys.executable, HERE / "peer.py", name, "--precision", precision, "--threads",
                                           threads, "--models", folder], environment, folder)
        self.version = self.read_line()

    def encode(self):
        return self.timed("encoder")

    def take_features(self, features):
        for name, values in features.items():
            self.set_input(name, values)
        side = 4 * features["image_embed"].shape[-1]
        self.set_input("mask_input", np.zeros((1, 1, side, side), np.float32))
        self.set_input("has_mask_input", np.zeros(1, np.float32))

    def set_point(self, x, y):
        # The export adds the padding point itself, and so does the official prompt encoder.
        self.set_input("point_coords", [[[x, y]]])
        self.set_input("point_labels", [[1]])

    def decode(self):
        return self.timed("decoder")

    def masks(self):
        return self.output("masks", (3, -1))


def spread(values):
    return {"least": min(values), "median": statistics.median(values), "most": max(values)}


def in_turns(participants, run, rounds, burst):
    """run(participant) -> (clock, processor). Per participant: its turns, the median of a burst each."""
    for participant in participants:
        run(participant)
    turns = {participant: [] for participant in participants}
    for number in range(rounds):
        shift = number % len(participants)
        for participant in participants[shift:] + participants[:shift]:
            time.sleep(PAUSE)
            turns[participant].append([statistics.median(column) for column in zip(*(run(participant) for _ in range(burst)))])
    return turns


def read_image(path, size):
    image = Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return ((np.asarray(image, np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None]


def overlap(masks, reference):
    """IoU of each mask with the reference's; two empty ones are equal."""
    masks, reference = masks > 0, reference > 0
    union = (masks | reference).sum(axis=1)
    return np.where(union == 0, 1.0, (masks & reference).sum(axis=1) / np.maximum(union, 1))


def run_samc(arguments, *words):
    subprocess.run([arguments.samc, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(arguments, folder, image):
    """All participants that this machine can have, and why the others are missing."""
    precisions = arguments.precisions.split(",")
    environment = {} if arguments.isa is None else {"SAMC_ISA": arguments.isa}
    peers_environment = {} if arguments.hold is None else {"LD_PRELOAD": str(arguments.hold)}
    run_samc(arguments, "export", arguments.model, "-o", folder)
    image.tofile(folder / "calibration.bin")
    (folder / "model.pt").symlink_to(pathlib.Path(arguments.model).resolve())
    (folder / "config.txt").write_text(arguments.config)
    participants, missing = [], []
    for precision in precisions:
        for name in ["samc", *filter(None, arguments.peers.split(","))]:
            try:
                if name == "samc":
                    module = folder / f"{precision}.samc"
                    run_samc(arguments, "compile", arguments.model, "--precision", precision, "-o", module)
                    participant = Samc(arguments.bench, module, precision, arguments.threads, environment, folder)
                    participant.module_bytes = module.stat().st_size
                else:
                    participant = Peer(name, precision, arguments.threads, peers_environment, folder)
                participant.set_input("image", image)
                participant.encode()
            except (RuntimeError, subprocess.CalledProcessError) as error:
                missing.append({"name": name, "precision": precision, "why": str(error)})
                print(f"compare: {name} {precision} is left out: {error}", file=sys.stderr)
                continue
            print(f"compare: {participant.version}, {precision}", file=sys.stderr, flush=True)
            participants.append(participant)
    return participants, missing


def features_of(participant, size):
    shapes = {"high_res_feats_0": (1, 32, size // 4, size // 4), "high_res_feats_1": (1, 64, size // 8, size // 8),
              "image_embed": (1, 256, size // 16, size // 16)}
    return {name: participant.output(name, shapes[name]) for name in MAPS}


def masks_of(participant, size):
    result = []
    for x, y in POINTS:
        participant.set_point(x * size, y * size)
        participant.decode()
        result.append(participant.masks())
    return np.concatenate(result)


def measure(arguments, folder):
    size = arguments.size
    image = read_image(arguments.image, size)
    participants, missing = start(arguments, folder, image)
    figures = {"model": pathlib.Path(arguments.model).stem, "threads": arguments.threads, "isa": arguments.isa,
               "load_average": os.getloadavg()[0], "nice": os.nice(0), "rounds": arguments.rounds,
               "machine": participants[0].version, "missing": missing, "participants": []}
    encoder_turns = in_turns(participants, lambda each: each.encode(), arguments.rounds, 1)
    features = {each: features_of(each, size) for each in participants}
    for each in participants:
        each.take_features(features[each])
    masks = {each: masks_of(each, size) for each in participants}
    decoder_turns = in_turns(participants, lambda each: each.decode(), 2 * arguments.rounds, 5)
    reference = next((each for each in participants if (each.name, each.precision) == ("pytorch", "f32")), participants[0])
    figures["reference"] = f"{reference.name} {reference.precision}"
    for each in participants:
        ours = next(other for other in participants if other.name == "samc" and other.precision == each.precision) if any(
            other.name == "samc" and other.precision == each.precision for other in participants) else participants[0]
        iou = overlap(masks[each], masks[reference])
        wanted, embed = features[reference]["image_embed"], features[each]["image_embed"]
        row = {"name": each.name, "version": each.version, "precision": each.precision, "memory": float(each.ask("memory")),
               "embed_difference": float(np.abs(embed - wanted).max() / np.abs(wanted).max()),
               "iou_mean": float(iou.mean()), "iou_least": float(iou.min())}
        for part, turns in (("encoder", encoder_turns), ("decoder", decoder_turns)):
            row[part] = {**spread([turn[0] for turn in turns[each]]),
                         "processor": statistics.median(turn[1] for turn in turns[each]),
                         "to_samc": spread([theirs[0] / mine[0] for theirs, mine in zip(turns[each], turns[ours])]),
                         "to_samc_f32": spread([theirs[0] / mine[0] for theirs, mine in
                                                zip(turns[each], turns[participants[0]])])}
        if each.name == "samc":
            row["module_bytes"] = each.module_bytes
            row["operations"] = {function.split()[0]: each.profile(function, 5) for function in (
                "image_encoder", "mask_decoder_picture", "mask_decoder_dense", "mask_decoder_few_points points=2")}
        figures["participants"].append(row)
    for each in participants:
        each.end()
    return figures


def print_table(figures):
    print(f"{figures['model']}, {figures['machine']}; load average {figures['load_average']:.1f}")
    print(f"{'':<26}{'encoder ms':>28}{'/ samc':>8}{'decoder ms':>24}{'/ samc':>8}{'MB':>7}{'embed':>9}{'IoU':>8}{'least':>8}")
    for row in figures["participants"]:
        cells = []
        for part in ("encoder", "decoder"):
            figure = row[part]
            cells += [f"{figure['least']:.1f} / {figure['median']:.1f} / {figure['most']:.1f}",
                      f"{figure['to_samc']['median']:.2f}"]
        print(f"{row['name'] + ' ' + row['precision']:<26}{cells[0]:>28}{cells[1]:>8}{cells[2]:>24}{cells[3]:>8}"
              f"{row['memory']:>7.0f}{row['embed_difference']:>9.1e}{row['iou_mean']:>8.4f}{row['iou_least']:>8.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a checkpoint")
    parser.add_argument("--config", required=True, help="the official configuration's name, for PyTorch")
    parser.add_argument("--samc", default=ROOT / "build/samc")
    parser.add_argument("--bench", default=ROOT / "build-bench/bench/model_bench")
    parser.add_argument("--image", default=ROOT / "tests/data/images/truck.jpg")
    parser.add_argument("--size", type=int, default=1024, help="the model's image size")
    parser.add_argument("--peers", default="onnxruntime,openvino,pytorch")
    parser.add_argument("--precisions", default="f32,bf16,int8", help="the first must be f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--isa", help="hold samc to these instructions (SAMC_ISA)")
    parser.add_argument("--hold", type=pathlib.Path, help="a library that is loaded into the peers: hold_to_avx2.c")
    parser.add_argument("--json", help="write the figures here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(arguments, pathlib.Path(folder))
    print_table(figures)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
