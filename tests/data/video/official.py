"""What record.py and record_functions.py share: the official video predictor of a model of this repository, on the CPU.

pip install torch torchvision sam2 hydra-core        # facebookresearch/sam2 1.1.0
"""

import pathlib

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2 import sam2_video_predictor, sam2_video_predictor_legacy

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]

# What build_sam2_video_predictor() adds to every configuration. Holes are not filled: without its CUDA extension the
# official code leaves that out with a warning.
ADDED = {
    "fill_hole_area": 0,
    "binarize_mask_from_pts_for_mem_enc": True,
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    },
}


class MemoriesInF32:
    """Memories are rounded to bf16 as they are, and then held in f32: the same values.

    On the CPU without autocast the official code fails on a bf16 memory that no object pointer is concatenated to
    ("mat1 and mat2 must have the same dtype"), as on a frame that is tracked before any conditioning frame.
    """

    def _run_memory_encoder(self, *args, **kwargs):
        features, position = super()._run_memory_encoder(*args, **kwargs)
        return features.float(), position

    def _run_single_frame_inference(self, *args, **kwargs):
        output, masks = super()._run_single_frame_inference(*args, **kwargs)
        if output["maskmem_features"] is not None:
            output["maskmem_features"] = output["maskmem_features"].float()
        return output, masks


class Predictor(MemoriesInF32, sam2_video_predictor.SAM2VideoPredictor):
    pass


class LegacyPredictor(MemoriesInF32, sam2_video_predictor_legacy.SAM2VideoPredictor):
    """Tracks all objects together. In it non_overlap_masks_for_mem_enc means something: the predictor of today encodes
    each object alone."""


def build(config, checkpoint, overrides=None, drop=(), fill=None, scale=None, legacy=False):
    """config, checkpoint: paths in the repository. overrides: of the YAML's model section. drop: tensors that the
    checkpoint must not have. fill: values that all elements of these tensors become.
    scale: factors by which all elements of these are multiplied."""
    model_config = OmegaConf.load(ROOT / config).model
    model_config["_target_"] = f"{__name__}.{'LegacyPredictor' if legacy else 'Predictor'}"
    for key, value in {**ADDED, **(overrides or {})}.items():
        model_config[key] = value
    model = instantiate(model_config, _recursive_=True)
    weights = torch.load(ROOT / checkpoint, weights_only=True)["model"]
    for name in drop:
        del weights[name]
    for name, value in (fill or {}).items():
        weights[name] = torch.full_like(weights[name], value)
    for name, factor in (scale or {}).items():
        weights[name] = weights[name] * factor
    model.load_state_dict(weights)
    return model.eval()


def sampled(array, samples):
    """As tests/support/golden.h says: flat index (k * 2654435761) mod size; the whole array if it has no more values."""
    flat = np.asarray(array, dtype=np.float32).reshape(-1)
    if flat.size <= samples:
        return flat
    return flat[(np.arange(samples, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(flat.size)]
