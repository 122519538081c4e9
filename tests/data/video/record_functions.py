"""Writes what the official code makes of formula inputs in each function by which pico tracks: functions.npz.

    python tests/data/video/record_functions.py functions.npz        # needs what official.py names
    python tests/data/video/record_functions.py functions_512.npz --image-size 512

README.md has the formula, the inputs of each key and the shapes.
"""

import argparse
import unittest.mock

import numpy as np
import torch

from models import PICO, SAM_2_0
from official import HERE, build, sampled

SAMPLES = 1024


def formula(seed, shape, amplitude=1.0):
    """README.md has it: a hash of the flat index, in [-amplitude, amplitude)."""
    index = np.arange(np.prod(shape), dtype=np.uint64)
    bits = ((index + np.uint64(1)) * np.uint64(2654435761) + np.uint64(seed)) & np.uint64(0xFFFFFFFF)
    bits ^= bits >> np.uint64(15)
    bits = (bits * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    bits ^= bits >> np.uint64(13)
    values = (bits >> np.uint64(8)).astype(np.float64) / 2**23 - 1
    return torch.from_numpy((values * amplitude).astype(np.float32).reshape(shape))


class Functions:
    def __init__(self, model):
        self.model = model
        self.width = model.hidden_dim
        self.size = model.image_size
        self.side = self.size // 16
        # (1, C, h, w), and as the official code passes it: (h w, 1, C)
        self.features = formula(1, (1, self.width, self.side, self.side))
        self.tokens = self.features.flatten(2).permute(2, 0, 1)
        self.mask = formula(2, (1, 1, self.size, self.size), amplitude=8.0)

    def memory_encoder(self, score, is_mask_from_pts):
        """-> (1, h w, M), before it is rounded to bf16"""
        memory, _ = self.model._encode_new_memory(
            current_vision_feats=[self.tokens],
            feat_sizes=[(self.side, self.side)],
            pred_masks_high_res=self.mask,
            object_score_logits=torch.full((1, 1), score),
            is_mask_from_pts=is_mask_from_pts,
        )
        return memory.flatten(2).permute(0, 2, 1)

    def memory_attention(self, frame, conditioning, others):
        """Frame numbers of the conditioning frames and of the others that have memories -> (1, C, h, w)"""
        outputs = {}
        position = self.model.memory_encoder.position_encoding(torch.zeros(1, 1, self.side, self.side))
        for at in [*conditioning, *others]:
            memory = formula(100 + at, (1, self.side * self.side, self.model.mem_dim)).bfloat16().float()
            outputs[at] = {
                "maskmem_features": memory.permute(0, 2, 1).reshape(1, -1, self.side, self.side),
                "maskmem_pos_enc": [position],
                "obj_ptr": formula(200 + at, (1, self.width)),
            }
        return self.model._prepare_memory_conditioned_features(
            frame_idx=frame,
            is_init_cond_frame=False,
            current_vision_feats=[self.tokens],
            current_vision_pos_embeds=[
                self.model.image_encoder.neck.position_encoding(self.features).flatten(2).permute(2, 0, 1)
            ],
            feat_sizes=[(self.side, self.side)],
            output_dict={
                "cond_frame_outputs": {at: outputs[at] for at in conditioning},
                "non_cond_frame_outputs": {at: outputs[at] for at in others},
            },
            num_frames=20,
        )

    def object_pointer(self, score, is_mask_prompt, is_in_mask=True):
        """With a mask decoder that gives a formula's token and this score -> (1, C)"""
        low = self.size // 4
        decoded = (
            torch.zeros(1, 1, low, low),
            torch.ones(1, 1),
            formula(3, (1, 1, self.width)),
            torch.full((1, 1), score),
        )
        with unittest.mock.patch.object(self.model.sam_mask_decoder, "forward", lambda **_: decoded):
            if is_mask_prompt:
                mask = (self.mask > (0 if is_in_mask else 100)).float()
                return self.model._use_mask_as_output(self.features, None, mask)[5]
            return self.model._forward_sam_heads(self.features)[5]


def record(overrides):
    arrays = {}

    def add(key, tensor):
        arrays[key] = sampled(tensor, SAMPLES)
        print(f"{key:40} {tuple(tensor.shape)} largest {tensor.abs().max():.4g}")

    model = build(**PICO, overrides=overrides)
    functions = Functions(model)
    add("input.features", functions.features)
    add("memory_encoder.present", functions.memory_encoder(3.0, False))
    add("memory_encoder.absent", functions.memory_encoder(-3.0, False))
    add("memory_encoder.binarized", functions.memory_encoder(3.0, True))
    add("memory_attention.memories1_pointers0", functions.memory_attention(3, [9], []))
    add("memory_attention.memories1_pointers1", functions.memory_attention(3, [0], []))
    add("memory_attention.memories3_pointers0", functions.memory_attention(3, [15, 16, 17], []))
    add("memory_attention.memories3_pointers1", functions.memory_attention(3, [1, 15, 16], []))
    add("memory_attention.memories3_pointers5", functions.memory_attention(12, [0], [2, 4, 9, 11]))
    model.only_obj_ptrs_in_the_past_for_eval = False
    add("memory_attention.memories1_pointers1_ahead", functions.memory_attention(3, [15], []))
    add("object_pointer.present", functions.object_pointer(3.0, False))
    add("object_pointer.absent", functions.object_pointer(-3.0, False))
    add("object_pointer.mask_present", functions.object_pointer(3.0, True))
    add("object_pointer.mask_absent", functions.object_pointer(-3.0, True))
    add("object_pointer.empty_mask_present", functions.object_pointer(3.0, True, False))
    add("object_pointer.empty_mask_absent", functions.object_pointer(-3.0, True, False))
    add("mask_downsample", model.mask_downsample((functions.mask > 0).float()))

    if overrides:  # of another image size: the models differ elsewhere
        return arrays
    functions = Functions(build(**PICO, **SAM_2_0))
    add("sam2.0.memory_encoder.absent", functions.memory_encoder(-3.0, False))
    add("sam2.0.memory_attention.memories3_pointers5", functions.memory_attention(12, [0], [2, 4, 9, 11]))
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", default=HERE / "functions.npz")
    parser.add_argument("--image-size", type=int, help="instead of the YAML's")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode():
        np.savez_compressed(arguments.output, **record({"image_size": arguments.image_size} if arguments.image_size else {}))


if __name__ == "__main__":
    main()
