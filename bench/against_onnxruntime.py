#!/usr/bin/env python3
"""Times a samc module beside ONNX Runtime on an export of the same model, turn by turn.

    bench/against_onnxruntime.py --bench build-bench/bench/model_bench --module tiny.samc \
        --encoder encoder.onnx --decoder decoder.onnx [--threads 2] [--rounds 15] [--json out.json]

Both have the same number of threads, the same inputs, and are compared: the greatest difference of each output is printed.
A turn is one encoder run, or the median of five decoder runs; two turns give one ratio ONNX Runtime / samc; the median
of the ratios is what counts. Needs numpy and onnxruntime.

The decoder is timed twice. As samc runs it: what follows from the picture alone is computed when the picture is set, and a
turn is what a prompt costs then. And whole: samc computes everything for each prompt, as the export must, whose
interface has no other place for it.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime

POINT = (500.0 / 1800, 375.0 / 1200)
PAUSE = 0.03  # seconds between turns, for threads to fall asleep


class Samc:
    """bench/model_bench as a child process."""

    def __init__(self, bench, module, threads):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([bench, module, "--threads", str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def line(self):
        line = self.process.stdout.readline().rstrip("\n")
        if line.startswith("error") or self.process.poll() not in (None, 0):
            raise SystemExit(f"model_bench: {line}")
        return line

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.line()

    def set_input(self, name, values):
        path = os.path.join(self.folder.name, name)
        np.ascontiguousarray(values, np.float32).tofile(path)
        self.ask(f"input {name} {path}")

    def output(self, name, shape):
        path = os.path.join(self.folder.name, name)
        self.ask(f"output {name} {path}")
        return np.fromfile(path, np.float32).reshape(shape)

    def run(self, function, points):
        return [float(x) for x in self.ask(f"run {function} {points}").split()]

    def profile(self, function, points, rounds):
        rows = [self.ask(f"profile {function} {points} {rounds}")]
        while rows[-1]:
            rows.append(self.line())
        return rows[:-1]


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Its threads spin while it runs, as by default, but not on into our turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def alternate(what, ours, theirs, rounds, burst):
    """ours() and theirs() give (milliseconds, processor milliseconds). Returns the figures and prints them.

    In its turn each runs `burst` times; the median of these is the turn's time."""
    def turn(run):
        runs = [run() for _ in range(burst)]
        return [statistics.median(column) for column in zip(*runs)]

    ours()
    theirs()
    times = {"samc": [], "onnxruntime": []}
    for index in range(rounds):
        order = [("samc", ours), ("onnxruntime", theirs)]
        for name, run in order if index % 2 == 0 else reversed(order):
            time.sleep(PAUSE)
            times[name].append(turn(run))
    result = {"rounds": rounds, "burst": burst}
    print(f"{what}, {rounds} turns of {burst}")
    print(f"  {'ms':<14}{'least':>10}{'median':>10}{'most':>10}{'processor time, median':>25}")
    for name, runs in times.items():
        clock = [run[0] for run in runs]
        processor = statistics.median(run[1] for run in runs)
        result[name] = {"least": min(clock), "median": statistics.median(clock), "most": max(clock),
                        "processor": processor}
        print(f"  {name:<14}{min(clock):>10.2f}{statistics.median(clock):>10.2f}{max(clock):>10.2f}{processor:>25.2f}")
    ratios = [theirs_run[0] / ours_run[0] for ours_run, theirs_run in zip(times["samc"], times["onnxruntime"])]
    result["ratio"] = {"least": min(ratios), "median": statistics.median(ratios), "most": max(ratios)}
    print(f"  ONNX Runtime / samc, pair by pair: least {min(ratios):.2f}, median {statistics.median(ratios):.2f}, "
          f"most {max(ratios):.2f}\n", flush=True)
    return result


def timed(run):
    def body():
        processor, start = time.process_time(), time.perf_counter()
        run()
        return (time.perf_counter() - start) * 1e3, (time.process_time() - processor) * 1e3
    return body


def relative_difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def print_profile(rows, most):
    print(f"  {'ms':>9}{'GFLOP/s':>9}  kernel, operation (the {most} longest of {len(rows)})")
    for row in rows[:most]:
        milliseconds, rate, rest = row.split(" ", 2)
        print(f"  {float(milliseconds):>9.3f}{float(rate):>9.0f}  {rest}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the program bench/model_bench")
    parser.add_argument("--module", required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--decoder", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--profile", type=int, default=0, metavar="N", help="also print samc's N longest operations")
    parser.add_argument("--json", help="write the figures here")
    arguments = parser.parse_args()

    samc = Samc(arguments.bench, arguments.module, arguments.threads)
    encoder = session(arguments.encoder, arguments.threads)
    decoder = session(arguments.decoder, arguments.threads)
    # Neighbours can halve a single measurement of the peak.
    machine = max((samc.ask("machine") for _ in range(5)), key=lambda text: float(text.split()[-2]))
    figures = {"machine": machine, "onnxruntime": onnxruntime.__version__, "threads": arguments.threads,
               "load_average": os.getloadavg()[0], "nice": os.nice(0)}
    print(f"{figures['machine']}\nONNX Runtime {onnxruntime.__version__}, {arguments.threads} thread(s); load average "
          f"{figures['load_average']:.1f}, priority {figures['nice']}\n")

    shape = encoder.get_inputs()[0].shape
    image = np.random.default_rng(1).standard_normal(shape, np.float32)
    samc.set_input("image", image)
    names = [output.name for output in encoder.get_outputs()]
    figures["encoder"] = alternate("encoder", lambda: samc.run("image_encoder", 0),
                                   timed(lambda: encoder.run(None, {"image": image})), arguments.rounds, 1)
    features = dict(zip(names, encoder.run(None, {"image": image})))
    for name, values in features.items():
        print(f"  {name}: greatest difference {relative_difference(samc.output(name, values.shape), values):.1e} "
              "of the largest value")
        samc.set_input(name, values)
    print()

    size = shape[-1]
    # The export adds the padding point itself.
    point = {"point_coords": np.array([[[POINT[0] * size, POINT[1] * size]]], np.float32),
             "point_labels": np.array([[1]], np.float32)}
    embedding = features["image_embed"]
    no_mask = {"mask_input": np.zeros((1, 1, 4 * embedding.shape[2], 4 * embedding.shape[3]), np.float32),
               "has_mask_input": np.zeros(1, np.float32)}
    samc.set_input("point_coords", np.concatenate([point["point_coords"], np.zeros((1, 1, 2), np.float32)], axis=1))
    samc.set_input("point_labels", np.concatenate([point["point_labels"], -np.ones((1, 1), np.float32)], axis=1))
    samc.run("no_mask", 0)
    samc.set_input("dense_embed", samc.output("dense_embed", embedding.shape))
    wanted = {value.name for value in decoder.get_inputs()}
    feeds = {name: values for name, values in {**features, **point, **no_mask}.items() if name in wanted}
    masks, scores = decoder.run(None, feeds)

    def together(*functions):
        return [sum(column) for column in zip(*(samc.run(*function) for function in functions))]

    # What ImagePredictor runs for so few points.
    per_prompt = ("mask_decoder_few_points", 2)

    def set_picture():
        return together(("mask_decoder_picture", 0), ("mask_decoder_dense", 0))

    set_picture()
    time.sleep(PAUSE)
    picture = [set_picture()[0] for _ in range(4 * arguments.rounds)]
    figures["decoder_picture"] = {"least": min(picture), "median": statistics.median(picture), "most": max(picture)}
    print("decoder, what follows from the picture, once for each picture: "
          f"{min(picture):.2f} / {statistics.median(picture):.2f} / {max(picture):.2f} ms, least / median / most of "
          f"{len(picture)}\n")
    for key, what, functions in (
            ("decoder", "decoder, one point, the picture being set", [per_prompt]),
            ("decoder_whole", "decoder, one point, everything for each prompt",
             [("mask_decoder_picture", 0), ("mask_decoder_dense", 0), per_prompt]),
            ("decoder_any", "decoder, one point, everything for each prompt, as for many points",
             [("mask_decoder", 2)])):
        figures[key] = alternate(what, lambda: together(*functions), timed(lambda: decoder.run(None, feeds)),
                                 2 * arguments.rounds, 5)
        logits = samc.output("low_res_logits", (1, -1, *masks.shape[2:]))[:, -masks.shape[1]:]
        ious = samc.output("iou_predictions", (1, -1))[:, -scores.shape[1]:]
        print(f"  masks: greatest difference {relative_difference(logits, masks):.1e} of the largest value\n"
              f"  iou_predictions: greatest difference {np.abs(ious - scores).max():.1e}\n")

    if arguments.profile > 0:
        for function, points, rounds in (("image_encoder", 0, 5), ("mask_decoder_picture", 0, 25),
                                         ("mask_decoder_dense", 0, 25), (*per_prompt, 25)):
            rows = samc.profile(function, points, rounds)
            print(function)
            print_profile(rows, arguments.profile)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
