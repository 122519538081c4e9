"""Writes recordings.json: automatic masks as the official generator finds them, which
tests/everything_replay_test.cpp compares ours with.

    pip install torch torchvision sam2 hydra-core pycocotools opencv-python-headless   # facebookresearch/sam2 1.1.0
    python tests/data/everything/record.py

README.md has the form.
"""

import json
import pathlib
import warnings

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2.utils.amg import MaskData, coco_encode_rle, box_xyxy_to_xywh, area_from_rle

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
MODELS = {
    "pico": {"checkpoint": "tests/data/pico/pico.pt", "config": "tests/data/pico/pico.yaml"},
    "mini": {"checkpoint": "models/mini/mini.pt", "config": "models/mini/mini.yaml"},
}
# Of each model, what leaves some of its masks and not all.
THRESHOLDS = {
    "pico": {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "box_nms_thresh": 0.98, "crop_nms_thresh": 0.98},
    "mini": {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.7},
}
IMAGES = {
    "truck": "tests/data/images/truck.jpg",
    "bedroom": "tests/data/video/bedroom/00000.jpg",
    "later": "tests/data/video/bedroom/00009.jpg",
    "shapes": "tests/data/video/shapes/00000.jpg",
}
# pico's masks are noise, whose run lengths on a large image would take much room here.
IMAGES_OF = {"pico": ("later", "bedroom", "shapes"), "mini": ("truck", "bedroom", "shapes")}
# As build_sam2() adds them to every configuration.
ADDED = {
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    }
}


def build(config, checkpoint):
    model_config = OmegaConf.load(ROOT / config).model
    for key, value in ADDED.items():
        model_config[key] = value
    model = instantiate(model_config, _recursive_=True)
    model.load_state_dict(torch.load(ROOT / checkpoint, weights_only=True)["model"])
    return model.eval()


def cases():
    for model in MODELS:
        for image in IMAGES_OF[model]:
            for layers in (0, 1):
                for refined in (False, True):
                    yield (
                        f"{model}_{image}_layers{layers}{'_m2m' if refined else ''}",
                        model,
                        image,
                        {
                            "points_per_side": 4 if refined or image == "truck" else 6,
                            "crop_n_layers": layers,
                            "use_m2m": refined,
                            **THRESHOLDS[model],
                        },
                    )
    for name, changed in {
        "single": {"multimask_output": False},
        "threshold": {"mask_threshold": -1.5, "stability_score_offset": 0.5},
        "nms": {"box_nms_thresh": 0.3},
        "crop_nms": {"crop_n_layers": 1, "crop_nms_thresh": 0.4, "crop_overlap_ratio": 0.6},
        "two_layers": {"crop_n_layers": 2, "crop_n_points_downscale_factor": 2},
        "grid": {"points_per_side": None, "point_grids": [[[0.2, 0.3], [0.7, 0.61], [0.45, 0.9]]]},
        "small_regions": {"min_mask_region_area": 60},
        "small_regions_crops": {"min_mask_region_area": 120, "crop_n_layers": 1},
        "batch": {"points_per_batch": 5},
        "strict": {"pred_iou_thresh": 0.6, "stability_score_thresh": 0.8},
    }.items():
        for model in MODELS:
            options = {"points_per_side": 6, **THRESHOLDS[model], **changed}
            yield f"{model}_{name}", model, "bedroom", options


def generate(model, image, options):
    """The official records, with the text of COCO's run lengths.

    generate() of sam2 1.1.0 leaves min_mask_region_area to its CUDA extension, and out where that is not there. What
    SAM's generate() does with it is still in the class, and is called here."""
    given = dict(options)
    least_area = given.pop("min_mask_region_area", 0)
    if given.get("point_grids") is not None:
        given["point_grids"] = [np.array(grid) for grid in given["point_grids"]]
    generator = SAM2AutomaticMaskGenerator(model, **given)
    # The official predictor knows the sizes of models of 1024 pixels only.
    side = model.image_size
    generator.predictor._bb_feat_sizes = [(side // stride, side // stride) for stride in (4, 8, 16)]
    data = generator._generate_masks(image)
    if least_area > 0 and len(data["rles"]) > 0:
        for key in ("boxes", "iou_preds", "points", "stability_score", "crop_boxes"):
            data[key] = torch.as_tensor(data[key])
        data = generator.postprocess_small_regions(
            data, least_area, max(generator.box_nms_thresh, generator.crop_nms_thresh)
        )
        data.to_numpy()
    return [
        {
            "counts": coco_encode_rle(rle)["counts"],
            "area": int(area_from_rle(rle)),
            "bbox": box_xyxy_to_xywh(data["boxes"][i]).tolist(),
            "predicted_iou": data["iou_preds"][i].item(),
            "point_coords": data["points"][i].tolist(),
            "stability_score": data["stability_score"][i].item(),
            "crop_box": box_xyxy_to_xywh(data["crop_boxes"][i]).tolist(),
        }
        for i, rle in enumerate(data["rles"])
    ]


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    models = {name: build(**paths) for name, paths in MODELS.items()}
    images = {name: np.array(Image.open(ROOT / path).convert("RGB")) for name, path in IMAGES.items()}
    recordings = []
    for name, model, image, options in cases():
        records = generate(models[model], images[image], options)
        print(f"{name:32} {len(records)} masks", flush=True)
        recordings.append(
            {"name": name, "model": model, "image": IMAGES[image], "options": options, "records": records}
        )
    text = ",\n".join(json.dumps(recording, separators=(",", ":")) for recording in recordings)
    (HERE / "recordings.json").write_text(f'{{"models":{json.dumps(MODELS)},"recordings":[\n{text}\n]}}\n')


if __name__ == "__main__":
    main()
