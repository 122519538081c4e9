"""Sequences of calls by chance. The seed and the official predictor's state decide: a call that it would refuse is not
made."""

import random

from sequences import RESET, box, clear, mask, points, propagate, remove, sequence

CLIPS = {"bedroom": (160, 90), "shapes": (131, 77)}
# pico half of the time, mini a quarter.
MODELS = ["pico"] * 10 + ["mini"] * 5 + ["sam2.0", "wavering", "wavering", "cond_2", "stride_2"]
OBJECTS = [1, 2, 7]


class RandomSequence:
    """record.py runs each call of it before it asks for the next."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.clip = self.random.choice(list(CLIPS))
        self.width, self.height = CLIPS[self.clip]
        self.frames = self.random.randint(6, 8)
        self.length = self.random.randint(3, 12)
        options = {}
        if self.random.random() < 0.3:
            options["non_overlap_masks"] = True
        if self.random.random() < 0.25:
            options["add_all_frames_to_correct_as_cond"] = True
        self.sequence = sequence(f"random_{seed}", [], self.random.choice(MODELS), self.clip, self.frames, options)

    def next_call(self, state):
        """None at the end. The last call tracks if it can."""
        calls = self.sequence["calls"]
        if len(calls) == self.length:
            return None
        if len(calls) == self.length - 1 and self.can_propagate(state):
            return self.propagate()
        while True:
            call = self.any_call(state)
            if call is not None:
                return call

    def any_call(self, state):
        known = list(state["obj_ids"])
        frame = self.random.randrange(self.frames)
        if self.random.random() < 0.35:
            frame = self.random.choice([0, 1])
        kind = self.random.choices(
            ["points", "box", "mask", "propagate", "clear", "remove", "reset"], [34, 10, 8, 32, 9, 6, 1]
        )[0]
        if kind == "propagate":
            return self.propagate() if self.can_propagate(state) else None
        if kind == "clear":
            return clear(frame, self.random.choice(known)) if known else None
        if kind == "remove":
            return remove(self.random.choice(OBJECTS)) if known else None
        if kind == "reset":
            return RESET if known else None
        obj = self.random.choice(OBJECTS)
        if kind == "mask":
            return self.mask(frame, obj)
        if not self.can_click(state, frame, obj):
            return None
        if kind == "box":
            left, right = sorted(self.random.sample(range(self.width), 2))
            top, bottom = sorted(self.random.sample(range(self.height), 2))
            more = self.clicks() if self.random.random() < 0.4 else {}
            return box(frame, obj, [left, top, right, bottom], **more)
        clicks = self.clicks()
        return points(frame, obj, clicks["points"], clicks["labels"], clear_old_points=self.random.random() < 0.5)

    def clicks(self):
        count = self.random.choice([1, 1, 1, 2, 3])
        return {
            "points": [
                [round(self.random.uniform(0, self.width), 1), round(self.random.uniform(0, self.height), 1)]
                for _ in range(count)
            ],
            "labels": [int(self.random.random() < 0.75) for _ in range(count)],
        }

    def mask(self, frame, obj):
        width, height = self.random.choice(
            [(self.width, self.height), (self.width, self.height), (256, 256), (301, 57)]
        )
        if self.random.random() < 0.1:
            return mask(frame, obj, width, height, None)
        radii = [self.random.randint(2, width // 3), self.random.randint(2, height // 3)]
        return mask(frame, obj, width, height, [self.random.randrange(width), self.random.randrange(height), *radii])

    def propagate(self):
        start = None if self.random.random() < 0.5 else self.random.randrange(self.frames)
        most = None if self.random.random() < 0.35 else self.random.randint(0, 4)
        return propagate(start, most, self.random.random() < 0.35)

    @staticmethod
    def can_propagate(state):
        """Every object has a conditioning frame, or a prompt that becomes one."""
        outputs, prompts = state["output_dict_per_obj"], state["temp_output_dict_per_obj"]
        return len(outputs) > 0 and all(
            outputs[index]["cond_frame_outputs"] or prompts[index]["cond_frame_outputs"] for index in outputs
        )

    @staticmethod
    def can_click(state, frame, obj):
        """A click on a tracked frame needs memory: a conditioning frame of before the last propagation."""
        index = state["obj_id_to_idx"].get(obj)
        if index is None or frame not in state["frames_tracked_per_obj"][index]:
            return True
        return bool(state["output_dict_per_obj"][index]["cond_frame_outputs"])
