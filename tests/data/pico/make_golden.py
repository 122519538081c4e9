"""Writes what the official code makes of pico at an image size: golden_160.npz, golden_512.npz and
golden_768.npz, read by tests/pico_test.cpp.

    pip install torch torchvision sam2 hydra-core        # facebookresearch/sam2 1.1.0
    python tests/data/pico/make_golden.py 512 golden_512.npz

At 256, the checkpoint's own size, it gives what golden.npz holds: --check golden.npz says how nearly.
"""

import argparse
import pathlib

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor

HERE = pathlib.Path(__file__).parent
SAMPLES = 4096
# As tests/support/golden.cpp has them.
POINT = {"point_coords": [[500, 375]], "point_labels": [1]}
BOX_AND_NEGATIVE = {"box": [425, 600, 700, 875], "point_coords": [[575, 750]], "point_labels": [0]}


def build(image_size):
    config = OmegaConf.load(HERE / "pico.yaml").model
    config.image_size = image_size
    # What build_sam2() adds to every configuration.
    config.sam_mask_decoder_extra_args = {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    }
    model = instantiate(config, _recursive_=True)
    model.load_state_dict(torch.load(HERE / "pico.pt", weights_only=True)["model"])
    return model.eval()


def sampled(array):
    """As tests/support/golden.h says."""
    flat = np.asarray(array, dtype=np.float32).reshape(-1)
    return flat[(np.arange(SAMPLES, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(flat.size)]


def golden(image_size):
    predictor = SAM2ImagePredictor(build(image_size))
    # 1.1.0 has those of 1024 here; later versions compute them from the model, as this does.
    predictor._bb_feat_sizes = [[image_size // stride] * 2 for stride in (4, 8, 16)]
    picture = np.array(Image.open(HERE.parent / "images/truck.jpg").convert("RGB"))
    arrays = {"input.image": sampled(predictor._transforms(picture))}
    predictor.set_image(picture)
    features = predictor._features
    for level, feature in enumerate(features["high_res_feats"]):
        arrays[f"encoder.high_res_feats_{level}"] = sampled(feature)
    arrays["encoder.image_embed"] = sampled(features["image_embed"])

    def predict(name, multimask, **prompt):
        prompt = {key: np.array(value, dtype=np.float32) for key, value in prompt.items()}
        masks, scores, low_res = predictor.predict(multimask_output=multimask, return_logits=True, **prompt)
        base = f"predict.{name}.{'multi' if multimask else 'single'}"
        # The best of these masks is an input of the next prompt, so they are whole.
        arrays[base + ".low_res"] = low_res if multimask or low_res.size <= SAMPLES else sampled(low_res)
        arrays[base + ".iou"] = scores
        arrays[base + ".full_res"] = sampled(masks)
        return low_res[np.argmax(scores)][None]

    best = predict("point", True, **POINT)
    predict("box_neg", False, **BOX_AND_NEGATIVE)
    predict("point_mask", False, mask_input=best, **POINT)
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image_size", type=int)
    parser.add_argument("output", nargs="?")
    parser.add_argument("--check", help="compare with this archive instead")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode():
        arrays = golden(arguments.image_size)
    if arguments.check is None:
        np.savez_compressed(arguments.output, **arrays)
        return
    wanted = np.load(arguments.check)
    for key, array in arrays.items():
        if key not in wanted:
            continue
        want = wanted[key].reshape(-1)
        have = array.reshape(-1) if array.size == want.size else sampled(array)
        print(f"{key:32} {np.abs(have - want).max() / np.abs(want).max():.1e}")


if __name__ == "__main__":
    main()
