#!/usr/bin/env python3
"""Tracks one object through a folder of images with what `samc export MODEL.pt -o DIR --video` writes.

    python3 examples/track_onnx.py DIR FRAMES --point 210,350 --point 250,220 -o masks/     # as many --point as you like
    python3 examples/track_onnx.py DIR FRAMES --box 300,0,500,400 -o masks/

The prompt is on the first frame; a point outside the object ends with ,0. Needs numpy, Pillow and onnxruntime, nothing
of samc. docs/onnx_video.md explains each step.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

FILES = ("encoder", "decoder", "memory_attention", "memory_encoder", "object_pointer", "mask_downsample")
MEAN = np.float32([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
STD = np.float32([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
PAD_POINT = np.zeros((1, 1, 2), np.float32), np.full((1, 1), -1, np.float32)
NO_OBJECT_LOGIT = -1024.0
PROMPTED_LOGIT = 10.0
CERTAIN_LOGIT = 1e4  # its sigmoid is 1
STABILITY_DELTA, STABILITY_THRESHOLD = 0.05, 0.98


def onnxruntime_file(path):
    """-> a function of the file's inputs by name that gives its outputs by name, and the file's metadata"""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    inputs = {value.name for value in session.get_inputs()}

    def run(given):
        # Models differ in what they look at: those of SAM 2.0 have no pointer_times, for one.
        values = session.run(outputs, {name: array for name, array in given.items() if name in inputs})
        return dict(zip(outputs, values))

    return run, session.get_modelmeta().custom_metadata_map


class Model:
    """The six files."""

    def __init__(self, folder, open_file=onnxruntime_file):
        self.files = {}
        for name in FILES:
            self.files[name], metadata = open_file(pathlib.Path(folder) / f"{name}.onnx")
            if name == "memory_attention":
                self.facts = {key: value == "true" if value in ("true", "false") else int(value)
                              for key, value in metadata.items()}
        self.size = self.facts["image_size"]  # S

    def run(self, file, **inputs):
        return self.files[file](inputs)

    def encode(self, image):
        """A PIL image -> the frame's features, for all of its objects."""
        resized = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BICUBIC)
        pixels = np.asarray(resized, np.float32).transpose(2, 0, 1)[None] / 255
        return self.run("encoder", image=(pixels - MEAN) / STD)


def resize_matrix(size, to):
    """(to, size): bilinear resizing of one axis, half-pixel centres; antialiased where it gets smaller."""
    scale = size / to
    centres = (np.arange(to)[:, None] + 0.5) * scale - 0.5
    if scale <= 1:  # edges are repeated
        centres = np.clip(centres, 0, size - 1)
    weights = np.maximum(0, 1 - np.abs(np.arange(size)[None] - centres) / max(scale, 1))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def resize(maps, height, width):
    return resize_matrix(maps.shape[-2], height) @ maps @ resize_matrix(maps.shape[-1], width).T


def rounded_to_bf16(array):
    """The official code keeps memories so."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


class Tracker:
    """One object. Frames are numbers; features are those of Model.encode()."""

    def __init__(self, model, frames):
        """frames: how many the video has; any great number where that is not known."""
        self.model, self.size, self.facts = model, model.size, model.facts
        self.most_pointers = min(frames, self.facts["max_obj_ptrs_in_encoder"])
        self.prompted, self.tracked = {}, {}  # frame: (memory, object pointer)
        if self.facts["max_cond_frames_in_attn"] != -1 or self.facts["memory_temporal_stride_for_eval"] != 1:
            raise NotImplementedError("a model that chooses among prompted frames, or leaves out frames")

    def prompt(self, frame, features, points, labels):
        """points (n, 2) in pixels of the model's image, labels (n): 0, 1, 2 and 3 for a box's corners, which come
        first -> logits (1, 1, S/4, S/4), positive where the object is; its score, positive where it is seen; its
        pointer"""
        several = self.takes_best_of_three(len(points))
        coords, labels = np.float32(points)[None], np.float32(labels)[None]
        result = self.decode(features, features["image_embed"], coords, labels, several)
        return self.remember(self.prompted, frame, features, *result)

    def prompt_mask(self, frame, features, mask):
        """mask (1, 1, S, S) of 0 and 1. It is the frame's result; the decoder only makes its pointer."""
        low_res = self.model.run("mask_downsample", mask=mask)["mask_input"]
        decoded = self.run_decoder(features, features["vision_features"], *PAD_POINT, low_res)
        seen = np.float32(mask.any()).reshape(1, 1)
        pointer = self.model.run("object_pointer", mask_token=decoded["mask_tokens"][:, 0],
                                 object_score=decoded["object_score"], mask_present=seen)["object_pointer"]
        logits = resize(mask * (2 * PROMPTED_LOGIT) - PROMPTED_LOGIT, self.size // 4, self.size // 4)
        score = seen * (2 * PROMPTED_LOGIT) - PROMPTED_LOGIT
        return self.remember(self.prompted, frame, features, logits, score, pointer)

    def track(self, frame, features):
        """A frame behind the prompted ones -> what prompt() gives."""
        memories = [(memory, 0) for memory, _ in self.prompted.values()]
        slots = self.facts["num_maskmem"]
        for time in range(1, slots):  # 1: the oldest
            if (other := frame - (slots - time)) in self.tracked:
                memories.append((self.tracked[other][0], time))
        pointers = [(pointer, frame - other) for other, (_, pointer) in self.prompted.items() if other <= frame]
        for distance in range(1, self.most_pointers):
            if frame - distance in self.tracked:
                pointers.append((self.tracked[frame - distance][1], distance))

        embed = self.model.run(
            "memory_attention",
            vision_features=features["vision_features"],
            memory=np.concatenate([memory for memory, _ in memories], 1),
            memory_times=np.float32([[time for _, time in memories]]),
            object_pointers=np.stack([pointer for pointer, _ in pointers], 1),
            pointer_times=np.float32([[distance for _, distance in pointers]]) / max(self.most_pointers - 1, 1),
        )["image_embed"]
        several = self.facts["multimask_output_for_tracking"] and self.takes_best_of_three(0)
        result = self.decode(features, embed, *PAD_POINT, several)
        for old in [other for other in self.tracked if other <= frame - max(slots, self.most_pointers)]:
            del self.tracked[old]
        return self.remember(self.tracked, frame, features, *result)

    def takes_best_of_three(self, points):
        facts = self.facts
        return (facts["multimask_output_in_sam"]
                and facts["multimask_min_pt_num"] <= points <= facts["multimask_max_pt_num"])

    def run_decoder(self, features, embed, coords, labels, mask=None):
        low = self.size // 4
        return self.model.run(
            "decoder", image_embed=embed, high_res_feats_0=features["high_res_feats_0"],
            high_res_feats_1=features["high_res_feats_1"], point_coords=coords, point_labels=labels,
            mask_input=np.zeros((1, 1, low, low), np.float32) if mask is None else mask,
            has_mask_input=np.float32([mask is not None]))

    def decode(self, features, embed, coords, labels, several):
        decoded = self.run_decoder(features, embed, coords, labels)
        all_logits, score = decoded["low_res_logits"], decoded["object_score"]
        best = 1 + int(decoded["iou_predictions"].argmax())  # of the masks 1 to 3
        chosen = best if several else 0
        if not several:  # the single mask, where it is stable
            inner = np.count_nonzero(all_logits[0, 0] > STABILITY_DELTA)
            outer = np.count_nonzero(all_logits[0, 0] > -STABILITY_DELTA)
            if outer > 0 and inner / outer < STABILITY_THRESHOLD:
                chosen = best
        logits = all_logits[:, chosen : chosen + 1]
        if score[0, 0] <= 0:
            logits = np.full_like(logits, NO_OBJECT_LOGIT)
        token = chosen if several and self.facts["use_multimask_token_for_obj_ptr"] else 0
        pointer = self.model.run("object_pointer", mask_token=decoded["mask_tokens"][:, token], object_score=score,
                                 mask_present=np.ones((1, 1), np.float32))["object_pointer"]
        return logits, score, pointer

    def remember(self, where, frame, features, logits, score, pointer):
        mask = resize(logits, self.size, self.size)
        if where is self.prompted and self.facts["binarize_mask_from_pts_for_mem_enc"]:
            mask = np.where(mask > 0, np.float32(CERTAIN_LOGIT), np.float32(-CERTAIN_LOGIT))
        memory = self.model.run("memory_encoder", vision_features=features["vision_features"], mask_logits=mask,
                                object_score=score)["memory"]
        where[frame] = rounded_to_bf16(memory), pointer
        return logits, score, pointer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="DIR", help="what samc export --video wrote")
    parser.add_argument("frames", type=pathlib.Path, help="a folder of images, in the order of their names")
    parser.add_argument("--point", action="append", default=[], metavar="X,Y[,0]", help="on the first frame")
    parser.add_argument("--box", metavar="X1,Y1,X2,Y2", help="on the first frame")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="a folder for the masks")
    arguments = parser.parse_args()
    for name in FILES:
        if not (arguments.model / f"{name}.onnx").is_file():
            parser.error(f"no {name}.onnx in {arguments.model}; samc export MODEL.pt -o DIR --video writes it")
    if not arguments.frames.is_dir():
        parser.error(f"{arguments.frames} is no folder of images")
    paths = sorted(path for path in arguments.frames.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    points, labels = [], []
    if arguments.box:
        corners = [float(part) for part in arguments.box.split(",")]
        points, labels = [corners[:2], corners[2:]], [2, 3]
    for point in arguments.point:
        x, y, *label = (float(part) for part in point.split(","))
        points.append([x, y])
        labels.append(label[0] if label else 1)
    if not paths or not points:
        parser.error("no images, or neither --point nor --box")

    model = Model(arguments.model)
    tracker = Tracker(model, len(paths))
    arguments.output.mkdir(parents=True, exist_ok=True)
    for frame, path in enumerate(paths):
        image = Image.open(path)
        features = model.encode(image)
        if frame == 0:
            scaled = np.float32(points) * model.size / np.float32([image.width, image.height])
            logits, _, _ = tracker.prompt(frame, features, scaled, labels)
        else:
            logits, _, _ = tracker.track(frame, features)
        mask = resize(logits[0, 0], image.height, image.width) > 0
        Image.fromarray(mask.astype(np.uint8) * 255).save(arguments.output / f"{path.stem}.png")
        print(f"{path.name}: {mask.mean():.1%} of the image")


if __name__ == "__main__":
    main()
