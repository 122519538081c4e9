"""Writes recordings.json, sequences of calls, and recordings.npz, what the official predictor returned for each:
tests/video_replay_test.cpp replays them.

    python tests/data/video/record.py                # needs what official.py names; 20 minutes on one core
    python tests/data/video/record.py --only box     # sequences whose names hold this, and nothing is written

README.md has the form of both files.
"""

import argparse
import collections
import copy
import json
import os
import pathlib
import tempfile

import numpy as np
import torch

from models import MODELS
from official import HERE, build, sampled
from random_sequences import RandomSequence
from sequences import by_hand

SAMPLES = 32
POINTER = 8
ROW = 2 * SAMPLES + 1 + POINTER
RANDOM = 130
# What tests/video_replay_test.cpp allows: of a row's largest value of masks and pointers; of scores as they are.
ALLOWED, ALLOWED_OF_SCORE = 2e-3, 1e-2
# A sequence is kept if the same arithmetic in another order stays within this share of what is allowed. Otherwise a mask
# or an object hangs on the last bits of a score.
STABLE = 0.1


def drawn_mask(call):
    mask = np.zeros((call["height"], call["width"]), dtype=bool)
    if call["ellipse"] is not None:
        x, y, across, down = call["ellipse"]
        rows, columns = np.mgrid[: call["height"], : call["width"]]
        mask = ((columns - x) * down) ** 2 + ((rows - y) * across) ** 2 <= (across * down) ** 2
    return mask


class Session:
    """One predictor and one state; rows of index and values for each call."""

    def __init__(self, model, sequence):
        self.model = model
        for option in ("non_overlap_masks", "add_all_frames_to_correct_as_cond"):
            setattr(model, option, sequence["options"].get(option, False))
        with tempfile.TemporaryDirectory() as folder:
            for frame in range(sequence["frames"]):
                name = f"{frame:05}.jpg"
                os.symlink(HERE / sequence["clip"] / name, pathlib.Path(folder) / name)
            self.state = model.init_state(folder)
        self.index = []
        self.values = []
        self.calls = 0

    def run(self, call):
        getattr(self, call["call"])(call)
        self.calls += 1

    def add_new_points_or_box(self, call):
        names = ("points", "labels", "box", "clear_old_points", "normalize_coords")
        given = {name: call[name] for name in names if name in call}
        frame, ids, masks = self.model.add_new_points_or_box(self.state, call["frame"], call["object"], **given)
        self.note(frame, ids, masks, self.storage_of_prompt(call))

    def add_new_mask(self, call):
        frame, ids, masks = self.model.add_new_mask(self.state, call["frame"], call["object"], drawn_mask(call))
        self.note(frame, ids, masks, self.storage_of_prompt(call))

    def propagate_in_video(self, call):
        arguments = (call["start_frame"], call["max_frame_num_to_track"], call["reverse"])
        for frame, ids, masks in self.model.propagate_in_video(self.state, *arguments):
            self.note(frame, ids, masks, None)

    def clear_all_prompts_in_frame(self, call):
        frame, ids, masks = self.model.clear_all_prompts_in_frame(self.state, call["frame"], call["object"])
        self.note(frame, ids, masks, self.storage_of_any(frame))

    def remove_object(self, call):
        ids, updated = self.model.remove_object(self.state, call["object"], need_output=call.get("need_output", True))
        for obj in ids:
            self.row(-1, obj, None, None)
        for frame, masks in sorted(updated, key=lambda item: item[0]):
            self.note(frame, ids, masks, self.storage_of_any(frame))

    def reset_state(self, call):
        self.model.reset_state(self.state)

    def storage_of_prompt(self, call):
        prompts = self.state["temp_output_dict_per_obj"][self.state["obj_id_to_idx"][call["object"]]]
        return next(name for name, outputs in prompts.items() if call["frame"] in outputs)

    def storage_of_any(self, frame):
        prompts = self.state["temp_output_dict_per_obj"].values()
        is_cond = any(frame in outputs["cond_frame_outputs"] for outputs in prompts)
        return "cond_frame_outputs" if is_cond else "non_cond_frame_outputs"

    def note(self, frame, ids, masks, storage):
        assert masks.shape[0] == len(ids)
        for place, obj in enumerate(ids):
            outputs = self.state["output_dict_per_obj"][place]
            found = [outputs["cond_frame_outputs"].get(frame), outputs["non_cond_frame_outputs"].get(frame)]
            if storage is not None:
                found.insert(0, self.state["temp_output_dict_per_obj"][place][storage].get(frame))
            self.row(frame, obj, masks[place], next((output for output in found if output is not None), None))

    def row(self, frame, obj, mask, output):
        values = np.full(ROW, np.nan, dtype=np.float32)
        if mask is not None:
            values[:SAMPLES] = sampled(mask, SAMPLES)
        if output is not None:
            values[SAMPLES : 2 * SAMPLES] = sampled(output["pred_masks"], SAMPLES)
            values[2 * SAMPLES] = output["object_score_logits"].item()
            values[2 * SAMPLES + 1 :] = output["obj_ptr"][0, :POINTER].numpy()
        self.index.append((self.calls, frame, obj))
        self.values.append(values)

    def arrays(self):
        index = np.array(self.index, dtype=np.int32).reshape(-1, 3)
        return index, np.array(self.values, dtype=np.float32).reshape(-1, ROW)


class Models:
    """Each is built once; the official code keeps what differs from state to state in the state."""

    def __init__(self):
        self.built = {}

    def __getitem__(self, name):
        if name not in self.built:
            self.built[name] = build(**MODELS[name])
        return self.built[name]


def replay(model, sequence):
    session = Session(model, sequence)
    for call in sequence["calls"]:
        session.run(call)
    return session.arrays()


def difference(values, others):
    """The largest share of what is allowed."""
    if values.shape != others.shape:
        return np.inf
    worst = 0.0
    for part in (slice(0, SAMPLES), slice(SAMPLES, 2 * SAMPLES), slice(2 * SAMPLES + 1, None)):
        there = ~np.isnan(values[:, part.start])
        have, other = values[there, part], others[there, part]
        if len(have) > 0:
            largest = np.maximum(np.abs(have).max(axis=1), 1e-6)
            worst = max(worst, (np.abs(have - other).max(axis=1) / largest).max() / ALLOWED)
    scores = np.abs(values[:, 2 * SAMPLES] - others[:, 2 * SAMPLES])
    return max(worst, np.nanmax(scores, initial=0) / ALLOWED_OF_SCORE)


def is_stable(model, sequence, values):
    with torch.backends.mkldnn.flags(enabled=False), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        _, others = replay(model, sequence)
    worst = difference(values, others)
    print(
        f"{sequence['name']:45} {sequence['model']:20} {len(values):4} rows, in another order {worst:.3f}", flush=True
    )
    return worst <= STABLE


def random_sequence(models, seed):
    maker = RandomSequence(seed)
    session = Session(models[maker.sequence["model"]], maker.sequence)
    while (call := maker.next_call(session.state)) is not None:
        session.run(copy.deepcopy(call))
        maker.sequence["calls"].append(call)
    return maker.sequence, session.arrays()


def record(only):
    models = Models()
    sequences, arrays = [], {}

    def keep(sequence, index, values):
        sequences.append(sequence)
        arrays[f"{sequence['name']}.index"] = index
        arrays[f"{sequence['name']}.values"] = values

    for sequence in by_hand():
        if only not in sequence["name"]:
            continue
        index, values = replay(models[sequence["model"]], sequence)
        if not is_stable(models[sequence["model"]], sequence, values):
            raise SystemExit(f"{sequence['name']} hangs on rounding: change its prompts")
        keep(sequence, index, values)
    seed, kept = 0, 0
    while kept < RANDOM and only in "random":
        sequence, (index, values) = random_sequence(models, seed)
        seed += 1
        if is_stable(models[sequence["model"]], sequence, values):
            keep(sequence, index, values)
            kept += 1
    return sequences, arrays


def write_json(path, sequences):
    """A call is a line."""
    lines = ['{"models": {']
    lines.append(",\n".join(f"  {json.dumps(name)}: {json.dumps(model)}" for name, model in MODELS.items()))
    lines.append('}, "sequences": [')
    texts = []
    for sequence in sequences:
        head = json.dumps({key: value for key, value in sequence.items() if key != "calls"})
        calls = ",\n".join(f"    {json.dumps(call)}" for call in sequence["calls"])
        texts.append(f'  {head[:-1]}, "calls": [\n{calls}\n  ]}}')
    lines.append(",\n".join(texts))
    lines.append("]}")
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sequences, arrays = record(arguments.only)
    calls = collections.Counter(call["call"] for sequence in sequences for call in sequence["calls"])
    print(f"{len(sequences)} sequences: {dict(calls)}")
    if not arguments.only:
        write_json(HERE / "recordings.json", sequences)
        np.savez_compressed(HERE / "recordings.npz", **arrays)


if __name__ == "__main__":
    main()
