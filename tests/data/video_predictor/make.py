"""Writes what the official video predictor does, for the tests of runtime/video_*: python3 make.py

  bank.txt   which memories and pointers take part, in situations made at random
  calls.txt  sequences of calls made at random, and what they give, around the model of fake_model.py
  resize.npz Pillow's Image.resize() of small images, torch's antialiased resize of small masks

Needs the official package sam2 (1.1.0), torch 2.15 and Pillow 13.0; other versions may do too.
"""

import random
import warnings
import zlib

import fake_model
import numpy as np
import torch
from fake_model import CHANNELS, SIZE, FakePredictor
from PIL import Image

import sam2.sam2_video_predictor as video

warnings.filterwarnings("ignore")
video.tqdm = lambda frames, **_: frames
ERRORS = (AssertionError, RuntimeError, ValueError, IndexError)


def random_facts(choose):
    return {
        "num_maskmem": choose([7, 7, 7, 3, 2]),
        "max_cond_frames_in_attn": choose([-1, -1, 2, 3]),
        "memory_temporal_stride_for_eval": choose([1, 1, 1, 2, 3]),
        "binarize_mask_from_pts_for_mem_enc": choose([True, True, False]),
        "use_mask_input_as_output_without_sam": choose([True, True, False]),
        "multimask_output_in_sam": choose([True, True, True, False]),
        "multimask_min_pt_num": choose([0, 0, 1]),
        "multimask_max_pt_num": choose([1, 1, 2]),
        "multimask_output_for_tracking": choose([True, True, False]),
        "use_multimask_token_for_obj_ptr": choose([True, True, False]),
        "use_obj_ptrs_in_encoder": choose([True, True, True, False]),
        "max_obj_ptrs_in_encoder": choose([16, 4]),
        "use_signed_tpos_enc_to_obj_ptrs": choose([True, False]),
        "only_obj_ptrs_in_the_past_for_eval": choose([True, True, False]),
        "pred_obj_scores": choose([True, True, False]),
        "non_overlap_masks_for_mem_enc": False,
    }


def random_options(choose):
    return {
        "fill_hole_area": choose([0, 2, 2]),
        "non_overlap_masks": choose([False, True]),
        "clear_non_cond_mem_around_input": choose([False, False, True]),
        "add_all_frames_to_correct_as_cond": choose([False, True]),
    }


def settings(values):
    return " ".join(f"{name}={int(value)}" for name, value in values.items())


def write_bank(path, count):
    """Runs _prepare_memory_conditioned_features() on results that hold their own frame's number."""
    chance = random.Random(1)
    lines = []
    for _ in range(count):
        facts = random_facts(chance.choice)
        predictor = FakePredictor(facts, random_options(chance.choice))
        num_frames = chance.choice([2, 5, 12, 40])
        frame, reverse = chance.randrange(num_frames), chance.random() < 0.4
        conditioning = chance.sample(range(num_frames), min(num_frames, chance.choice([1, 1, 2, 4, 6])))
        others = [t for t in range(num_frames) if t not in conditioning]
        tracked = sorted(chance.sample(others, int(len(others) * chance.choice([0.3, 0.8, 1.0]))))

        def result(t, is_conditioning):
            token = torch.tensor([t, float(is_conditioning), 0.0, 0.0])
            return {"maskmem_features": token.reshape(1, CHANNELS, 1, 1), "obj_ptr": token.reshape(1, CHANNELS),
                    "maskmem_pos_enc": [torch.zeros(1, CHANNELS, 1, 1)]}

        seen = {}

        def attention(curr, curr_pos, memory, memory_pos, num_obj_ptr_tokens):
            split = memory.shape[0] - num_obj_ptr_tokens
            rows = [(int(m[0, 0]), int(m[0, 1]), float(p[0, 0])) for m, p in zip(memory, memory_pos)]
            seen["memories"], seen["pointers"] = rows[:split], rows[split:]
            return curr[0]

        predictor.memory_attention = attention
        results = {"cond_frame_outputs": {t: result(t, True) for t in conditioning},
                   "non_cond_frame_outputs": {t: result(t, False) for t in tracked}}
        feature = [torch.zeros(1, 1, CHANNELS)]
        with torch.inference_mode():
            predictor._prepare_memory_conditioned_features(frame, False, feature, feature, [(1, 1)], results, num_frames, reverse)
        numbers = lambda values: ",".join(str(value) for value in values) or "-"
        rows = lambda values: " ".join(f"{t}:{c}:{time:.9g}" for t, c, time in values) or "-"
        lines.append(f"{settings(facts)} frame={frame} reverse={int(reverse)} num_frames={num_frames} | {numbers(conditioning)} | "
                     f"{numbers(tracked)} | {rows(seen['memories'])} | {rows(seen['pointers'])}\n")
    with open(path, "w") as file:
        file.writelines(lines)


def weights(count):
    return np.arange(count) * 7919 % 13 - 6.0


def digest(array):
    values = fake_model.f64(array).reshape(-1)
    return f"{(values * weights(values.size)).sum():.7g}"


class Recorder:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        choose = self.chance.choice
        self.facts, self.options = random_facts(choose), random_options(choose)
        self.count, self.width, self.height = choose([3, 6, 9, 9, 20]), choose([20, 33]), choose([14, 32])
        self.predictor = FakePredictor(self.facts, self.options)
        video.load_video_frames = lambda **_: (fake_model.load_frames(self.count, self.width, self.height), self.height, self.width)
        self.state = self.predictor.init_state("frames")
        self.lines = [f"sequence {seed}\n", f"facts {settings(self.facts)}\n", f"options {settings(self.options)}\n",
                      f"video {self.count} {self.width} {self.height}\n"]

    def result(self, frame, objects, masks, key):
        parts = [f"= {frame}"]
        for index, name in enumerate(objects):
            temporary, kept = self.state["temp_output_dict_per_obj"][index], self.state["output_dict_per_obj"][index]
            found = temporary[key].get(frame) or kept["cond_frame_outputs"].get(frame) or kept["non_cond_frame_outputs"].get(frame)
            inner = "- - -" if found is None else (
                f"{digest(found['pred_masks'])} {float(found['object_score_logits']):.7g} {digest(found['obj_ptr'])}")
            parts.append(f"{name} {int((masks[index] > 0).sum())} {digest(masks[index])} {inner}")
        self.lines.append(" | ".join(parts) + "\n")

    def key_of_prompt(self, frame, name):
        index = self.state["obj_id_to_idx"].get(name)
        is_tracked = index is not None and frame in self.state["frames_tracked_per_obj"][index]
        return "non_cond_frame_outputs" if is_tracked and not self.options["add_all_frames_to_correct_as_cond"] else "cond_frame_outputs"

    def key_of_frame(self, frame):
        is_conditioning = any(frame in results["cond_frame_outputs"] for results in self.state["temp_output_dict_per_obj"].values())
        return "cond_frame_outputs" if is_conditioning else "non_cond_frame_outputs"

    def points(self):
        chance, frame, name = self.chance, self.chance.randrange(self.count), self.chance.choice([1, 2, 2, 7])
        clear, normalize = chance.random() < 0.6, chance.random() < 0.8
        has_box = clear and chance.random() < 0.3
        coordinate = lambda side: round(chance.uniform(0, side if normalize else 1.0), 2)
        box = [coordinate(side) for side in (self.width, self.height) * 2] if has_box else None
        rows = [(coordinate(self.width), coordinate(self.height), chance.choice([1, 1, 0]))
                for _ in range(chance.choice([0, 1, 2] if has_box else [1, 1, 2, 3]))]
        self.lines.append(f"points {frame} {name} {int(clear)} {int(normalize)} {' '.join(map(str, box)) if box else '-'}"
                          + "".join(f" {x} {y} {label}" for x, y, label in rows) + "\n")
        key = self.key_of_prompt(frame, name)
        points = {"points": [row[:2] for row in rows], "labels": [row[2] for row in rows]} if rows else {}
        self.result(*self.predictor.add_new_points_or_box(self.state, frame, name, clear_old_points=clear,
                                                          normalize_coords=normalize, box=box, **points), key)

    def mask(self):
        chance, frame, name = self.chance, self.chance.randrange(self.count), self.chance.choice([1, 2, 7])
        height, width = chance.choice([(self.height, self.width), (SIZE, SIZE), (19, 45)])
        x, y, radius = chance.randrange(width), chance.randrange(height), chance.choice([0, 5, 8, 12])
        self.lines.append(f"mask {frame} {name} {height} {width} {x} {y} {radius}\n")
        rows, columns = np.mgrid[:height, :width]
        mask = (columns - x) ** 2 + (rows - y) ** 2 < radius ** 2  # radius 0: nothing
        key = self.key_of_prompt(frame, name)
        self.result(*self.predictor.add_new_mask(self.state, frame, name, mask), key)

    def propagate(self):
        chance = self.chance
        start = chance.choice([None, None, chance.randrange(self.count)])
        most = chance.choice([None, None, chance.randrange(self.count)])
        reverse, taken = chance.random() < 0.4, chance.choice([1000, 1000, 2])
        self.lines.append(f"propagate {'-' if start is None else start} {'-' if most is None else most} {int(reverse)} {taken}\n")
        for frame, objects, masks in self.predictor.propagate_in_video(self.state, start, most, reverse):
            self.result(frame, objects, masks, "cond_frame_outputs")
            taken -= 1
            if taken == 0:
                break

    def clear(self):
        if not self.state["obj_ids"]:
            return
        name, index = self.chance.choice([(name, index) for index, name in enumerate(self.state["obj_ids"])])
        prompted = [*self.state["point_inputs_per_obj"][index], *self.state["mask_inputs_per_obj"][index]]
        frame = self.chance.choice(prompted + [self.chance.randrange(self.count)])
        self.lines.append(f"clear {frame} {name}\n")
        frame, objects, masks = self.predictor.clear_all_prompts_in_frame(self.state, frame, name)
        self.result(frame, objects, masks, self.key_of_frame(frame))

    def remove(self):
        name, strict = self.chance.choice([1, 2, 7]), self.chance.random() < 0.3
        self.lines.append(f"remove {name} {int(strict)}\n")
        objects, frames = self.predictor.remove_object(self.state, name, strict)
        for frame, masks in sorted(frames, key=lambda pair: pair[0]):
            self.result(frame, objects, masks, self.key_of_frame(frame))

    def reset(self):
        self.lines.append("reset\n")
        self.predictor.reset_state(self.state)

    def record(self):
        calls = [self.points] * 6 + [self.mask] * 3 + [self.propagate] * 5 + [self.clear] * 2 + [self.remove] + [self.reset] * (self.chance.random() < 0.2)
        plan = [self.points, self.propagate] + [self.chance.choice(calls) for _ in range(self.chance.randrange(2, 8))]
        try:
            for call in plan:
                call()
        except ERRORS as error:
            self.lines.append("error\n")
            print(self.lines[0].strip(), type(error).__name__, str(error)[:90])
        return self.lines


def write_calls(path, count):
    with open(path, "w") as file:
        for seed in range(count):
            file.writelines(Recorder(seed).record())


def write_resize(path):
    chance, arrays = np.random.default_rng(5), {}
    for height, width, out in [(23, 37, 16), (7, 5, 16), (61, 100, 24), (24, 24, 24), (1, 1, 8), (2, 150, 12), (150, 3, 12), (48, 48, 24)]:
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        arrays[f"image.{height}x{width}.{out}"] = pixels
        arrays[f"resized.{height}x{width}.{out}"] = np.array(Image.fromarray(pixels).resize((out, out)))
    # Where the filter reaches beyond a byte on both sides.
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[::7, ::5] = pixels[3::9] = 255
    arrays["image.40x40.33"], arrays["resized.40x40.33"] = pixels, np.array(Image.fromarray(pixels).resize((33, 33)))
    for height, width, out in [(20, 31, 16), (9, 9, 16), (33, 32, 16), (48, 64, 16)]:
        mask = chance.random((height, width)) < 0.5
        arrays[f"mask.{height}x{width}.{out}"] = mask.astype(np.uint8)
        resized = torch.nn.functional.interpolate(torch.from_numpy(mask)[None, None].float(), (out, out), mode="bilinear",
                                                  align_corners=False, antialias=True)
        arrays[f"mask_resized.{height}x{width}.{out}"] = resized[0, 0].numpy()
    # Large images by their checksum.
    for height, width, out in [(1080, 1920, 1024), (480, 854, 1024), (1333, 750, 512)]:
        resized = np.array(Image.fromarray(fake_model.frame_pixels(3, width, height)).resize((out, out)))
        arrays[f"crc.{height}x{width}.{out}"] = np.int64([zlib.crc32(resized.tobytes())])
    # What load_video_frames_from_jpg_images() does with frames of 33 x 14 pixels.
    arrays["frame"] = fake_model.load_frames(1, 33, 14)[0].numpy()
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    write_bank("bank.txt", 250)
    write_calls("calls.txt", 120)
    write_resize("resize.npz")
