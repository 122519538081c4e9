"""session.py official|samc MODEL OUT.npz: one program for the official classes, with the import lines changed for ours. Calls
every public method of SAM2ImagePredictor, SAM2AutomaticMaskGenerator and SAM2VideoPredictor, and the official notebooks'
calls as they stand there, and keeps what they give."""

import os
import pathlib
import sys

import numpy as np
from PIL import Image

side, name, out = sys.argv[1:]
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / {"mini": "models/mini", "pico": "tests/data/pico"}[name]
VIDEO = str(REPOSITORY / "tests/data/images/bedroom")
CONFIG, CHECKPOINT = str(FOLDER / f"{name}.yaml"), str(FOLDER / f"{name}.pt")

if side == "official":
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from sam2 import build_sam
    from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from sam2.build_sam import build_sam2, build_sam2_video_predictor
    from sam2.sam2_image_predictor import SAM2ImagePredictor
    from sam2.sam2_video_predictor import SAM2VideoPredictor

    # The official package finds configs by name in its own folder: it is shown ours.
    GlobalHydra.instance().clear()
    initialize_config_dir(config_dir=str(FOLDER), version_base="1.2")
    CONFIG = os.path.basename(CONFIG)
    build_sam._hf_download = lambda model_id: (CONFIG, model_id)  # from_pretrained() of a file, as ours
else:
    from samc.automatic_mask_generator import SAM2AutomaticMaskGenerator
    from samc.build_sam import build_sam2, build_sam2_video_predictor
    from samc.sam2_image_predictor import SAM2ImagePredictor
    from samc.sam2_video_predictor import SAM2VideoPredictor

kept = {}


def keep(key, value):
    """Arrays, tensors, numbers, and lists and tuples of these."""
    if isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            keep(f"{key}.{index}", part)
    elif value is not None:
        if hasattr(value, "numpy"):
            value = value.cpu().numpy()
        kept[key] = np.asarray(value)


def know_sizes(predictor):
    """The official image predictor has those of a model of 1024 pixels written in."""
    if side == "official":
        predictor._bb_feat_sizes = [(predictor.model.image_size // part,) * 2 for part in (4, 8, 16)]


def images():
    image = np.array(Image.open(REPOSITORY / "tests/data/images/truck.jpg").convert("RGB"))
    other = np.ascontiguousarray(image[200:800:2, 300:1100:2])
    predictor = SAM2ImagePredictor(build_sam2(CONFIG, CHECKPOINT, device="cpu"), mask_threshold=0.0)
    know_sizes(predictor)
    # image_predictor_example.ipynb, cell by cell
    predictor.set_image(image)
    keep("embedding", predictor.get_image_embedding())
    keep("features", (predictor._features["image_embed"][-1], *predictor._features["high_res_feats"]))
    keep("device", predictor.device.type)
    point, label = np.array([[500, 375]]), np.array([1])
    masks, scores, logits = predictor.predict(point_coords=point, point_labels=label, multimask_output=True)
    keep("point", (masks, scores, logits))
    best = logits[np.argmax(scores), :, :]
    points, labels = np.array([[500, 375], [1125, 625]]), np.array([1, 1])
    keep(
        "mask_input",
        predictor.predict(
            point_coords=points, point_labels=labels, mask_input=best[None, :, :], multimask_output=False
        ),
    )
    keep("background", predictor.predict(points, np.array([1, 0]), multimask_output=False))
    box = np.array([425, 600, 700, 875])
    keep("box", predictor.predict(point_coords=None, point_labels=None, box=box[None, :], multimask_output=False))
    keep("box_of_4", predictor.predict(box=box))
    keep("box_and_point", predictor.predict(np.array([[575, 750]]), np.array([0]), box=box, multimask_output=False))
    boxes = np.array([[75, 275, 1725, 850], [425, 600, 700, 875], [1375, 550, 1650, 800], [1240, 675, 1400, 750]])
    keep("boxes", predictor.predict(point_coords=None, point_labels=None, box=boxes, multimask_output=False))
    keep("points_of_prompts", predictor.predict(boxes[:, None, :2] + 40, np.ones((4, 1))))
    keep("logits", predictor.predict(point, label, return_logits=True))
    keep("normalized", predictor.predict(point / np.array([1800, 1200]), label, normalize_coords=False))
    keep("nothing", predictor.predict())
    keep("outside", predictor.predict(np.array([[-20.5, 3000]]), label))
    low = logits.shape[-1]
    keep("mask_alone", predictor.predict(mask_input=np.linspace(-9, 9, low * low, dtype=np.float32).reshape(1, low, low)))
    predictor.reset_predictor()
    predictor.set_image_batch([image, other])
    keep(
        "batch",
        predictor.predict_batch(
            [point, np.array([[[100, 150]], [[200, 90]]])],
            [label, np.array([[1], [1]])],
            box_batch=None,
            multimask_output=True,
        ),
    )
    keep("last_of_batch", predictor.predict(np.array([[100, 150]]), label))
    predictor.set_image(Image.fromarray(other))
    keep("pil", predictor.predict(np.array([[100, 150]]), label))
    predictor.set_image(other.astype(np.float32) / 255)
    keep("floats", predictor.predict(np.array([[100, 150]]), label))
    predictor.set_image(other.astype(np.float32))
    keep("floats_to_255", predictor.predict(np.array([[100, 150]]), label))
    boxes_of_two = [boxes, np.array([[20, 30, 200, 180], [60, 10, 250, 200]])]
    predictor.set_image_batch([image, other])
    keep("boxes_of_batch", predictor.predict_batch(None, None, box_batch=boxes_of_two, multimask_output=False))
    strict = SAM2ImagePredictor.from_pretrained(CHECKPOINT, device="cpu", mask_threshold=0.5)
    know_sizes(strict)
    strict.set_image(other)
    keep("strict", strict.predict(np.array([[100, 150]]), label))
    plain = SAM2ImagePredictor(build_sam2(CONFIG, CHECKPOINT, device="cpu", apply_postprocessing=False))
    know_sizes(plain)
    plain.set_image(other)
    keep("plain", plain.predict(np.array([[100, 150]]), label, multimask_output=False))
    refused = 0
    for wrong in (other[:, :, 0], other.astype(np.float64), other.transpose(2, 0, 1), "truck.jpg", np.dstack([other] * 2)):
        try:
            predictor.set_image(wrong)
        except Exception:  # of whatever kind the official code has
            refused += 1
    keep("refused", refused)


def types_of(value):
    """Of a record: "{'area': int, ...}"."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {types_of(part)}" for key, part in sorted(value.items())) + "}"
    if isinstance(value, list):
        return f"[{types_of(value[0])}]"
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def show_all(key, records):
    if not records:
        sys.exit(f"{key}: no masks, so that nothing is compared")
    keep(f"{key}.count", len(records))
    print(f"  {key}: {len(records)} masks", flush=True)
    keep(f"{key}.types", types_of(records[:1]))
    for index, record in enumerate(records):
        for name, value in record.items():
            if isinstance(value, dict):
                keep(f"{key}.{index}.size", value["size"])
                value = value["counts"]
            keep(f"{key}.{index}.{name}", np.asarray(value))


def everything():
    image = np.array(Image.open(REPOSITORY / "tests/data/video/bedroom/00000.jpg").convert("RGB"))
    model = build_sam2(CONFIG, CHECKPOINT, device="cpu", apply_postprocessing=False)
    # Of each model, what leaves some of its masks and not all.
    usual = {
        "mini": dict(points_per_side=6, pred_iou_thresh=0.5, stability_score_thresh=0.7),
        "pico": dict(
            points_per_side=4, pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=0.98, crop_nms_thresh=0.98
        ),
    }[name]
    # automatic_mask_generator_example.ipynb, with fewer points, then what it leaves out. min_mask_region_area, which the
    # official code has no effect of without CUDA, is a float there.
    notebook = dict(points_per_batch=128, crop_n_layers=1, crop_n_points_downscale_factor=2, min_mask_region_area=0.0)
    for key, options in {
        "usual": {},
        "notebook": {**notebook, "stability_score_offset": 0.7, "use_m2m": True},
        "crops": dict(crop_n_layers=1, crop_nms_thresh=0.9, crop_overlap_ratio=0.5, points_per_side=3),
        "grids": dict(
            points_per_side=None,
            point_grids=[np.array([[0.2, 0.3], [0.7, 0.61], [0.45, 0.9]])],
            pred_iou_thresh=0,
            stability_score_thresh=0,
        ),
        "single": dict(multimask_output=False, points_per_batch=5),
        "threshold": dict(mask_threshold=-1.5, stability_score_offset=0.5),
        "runs": dict(output_mode="uncompressed_rle"),
        "coco": dict(output_mode="coco_rle"),
    }.items():
        generator = SAM2AutomaticMaskGenerator(model=model, **{**usual, **options})
        if side == "official":
            know_sizes(generator.predictor)
        show_all(f"e.{key}", generator.generate(image))
    generator = SAM2AutomaticMaskGenerator.from_pretrained(CHECKPOINT, device="cpu", **usual)
    if side == "official":
        know_sizes(generator.predictor)
    show_all("e.floats", generator.generate(image.astype(np.float32) / 255))
    refused = 0
    for wrong in (
        dict(points_per_side=None),
        dict(point_grids=[np.zeros((1, 2))]),
        dict(output_mode="png"),
    ):
        try:
            SAM2AutomaticMaskGenerator(model, **wrong)
        except Exception:  # of whatever kind the official code has
            refused += 1
    for wrong in (image[:, :, 0], image.astype(np.float64), "truck.jpg"):
        try:
            generator.generate(wrong)
        except Exception:
            refused += 1
    keep("e.refused", refused)


def hold_memories_in_f32(predictor):
    """Rounded to bf16 as they are. Without autocast, that is on the CPU, the official code fails on some bf16 memories: "mat1
    and mat2 must have the same dtype"."""
    encode, track = predictor._run_memory_encoder, predictor._run_single_frame_inference

    def encode_in_f32(*arguments, **options):
        features, position = encode(*arguments, **options)
        return features.float(), position

    def track_in_f32(*arguments, **options):
        output, masks = track(*arguments, **options)
        if output["maskmem_features"] is not None:
            output["maskmem_features"] = output["maskmem_features"].float()
        return output, masks

    predictor._run_memory_encoder, predictor._run_single_frame_inference = encode_in_f32, track_in_f32


def show(key, result):
    frame, ids, logits = result
    keep(key, (frame, [str(each) for each in ids], logits))


def videos():
    # video_predictor_example.ipynb, with the official code's CUDA-only filling of holes switched off on both sides
    predictor = build_sam2_video_predictor(CONFIG, CHECKPOINT, device="cpu", apply_postprocessing=False)
    if side == "official":
        hold_memories_in_f32(predictor)
    state = predictor.init_state(video_path=VIDEO)
    keep("video", (state["num_frames"], state["video_height"], state["video_width"]))
    points, labels = np.array([[210, 350]], dtype=np.float32), np.array([1], np.int32)
    show("v.point", predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=points, labels=labels))
    more, kinds = np.array([[210, 350], [250, 220]], dtype=np.float32), np.array([1, 1], np.int32)
    show("v.points", predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=more, labels=kinds))
    box = np.array([300, 0, 500, 400], dtype=np.float32)
    show("v.box", predictor.add_new_points_or_box(inference_state=state, frame_idx=0, obj_id=4, box=box))
    keep("v.preflight", predictor.propagate_in_video_preflight(state))
    for out_frame_idx, out_obj_ids, out_mask_logits in predictor.propagate_in_video(state, max_frame_num_to_track=3):
        show(f"v.forward.{out_frame_idx}", (out_frame_idx, out_obj_ids, out_mask_logits))
        for i, out_obj_id in enumerate(out_obj_ids):
            keep(f"v.segments.{out_frame_idx}.{out_obj_id}", (out_mask_logits[i] > 0.0).cpu().numpy())
    show("v.correction", predictor.add_new_points_or_box(state, 2, 4, np.array([[460.0, 60.0]]), np.array([0])))
    show(
        "v.added",
        predictor.add_new_points_or_box(state, 2, 4, np.array([[400.0, 100.0]]), np.array([1]), clear_old_points=False),
    )
    mask = np.zeros((state["video_height"], state["video_width"]), bool)
    mask[120:260, 40:200] = True
    show("v.mask", predictor.add_new_mask(state, 1, 9, mask))
    show("v.old_name", predictor.add_new_points(state, 3, 9, np.array([[120.0, 200.0]]), np.array([1])))
    for result in predictor.propagate_in_video(state, start_frame_idx=1, max_frame_num_to_track=2):
        show(f"v.again.{result[0]}", result)
    for result in predictor.propagate_in_video(state, start_frame_idx=3, reverse=True):
        show(f"v.reverse.{result[0]}", result)
    show("v.cleared", predictor.clear_all_prompts_in_frame(state, 3, 9))
    keep("v.removed", predictor.remove_object(state, 4))
    keep("v.absent", len(predictor.remove_object(state, 77)[1]))
    for result in predictor.propagate_in_video(state, start_frame_idx=0, max_frame_num_to_track=2):
        show(f"v.without.{result[0]}", result)
    predictor.reset_state(state)
    keep("v.ids", len(state["obj_ids"]))
    raised = 0
    for call in (
        lambda: next(iter(predictor.propagate_in_video(state))),
        lambda: predictor.propagate_in_video_preflight(state),
        lambda: predictor.remove_object(state, 3, strict=True),
        lambda: predictor.add_new_points_or_box(state, 0, 1),
        lambda: predictor.add_new_points_or_box(state, 0, 1, points=points),
        lambda: predictor.add_new_points_or_box(state, 0, 1, box=box, clear_old_points=False),
        lambda: predictor.init_state("/no/such/folder"),
    ):
        try:
            call()
        except Exception:  # of whatever kind the official code has
            raised += 1
    keep("v.raised", raised)
    predictor = SAM2VideoPredictor.from_pretrained(CHECKPOINT, device="cpu", apply_postprocessing=False)
    if side == "official":
        hold_memories_in_f32(predictor)
    state = predictor.init_state(VIDEO, offload_video_to_cpu=True, offload_state_to_cpu=True, async_loading_frames=True)
    show("v.pretrained", predictor.add_new_points_or_box(state, 1, "cushion", points=points, labels=labels))


images()
everything()
videos()
np.savez(out, **kept)
print(f"{len(kept)} results")
