"""session.py official|samc MODEL OUT.npz: one program for the official classes, with the import lines changed for ours. Calls
every public method of SAM2ImagePredictor and SAM2VideoPredictor and keeps what they give."""

import os
import pathlib
import sys

import numpy as np
from PIL import Image

side, name, out = sys.argv[1:]
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / {"mini": "models/mini", "pico": "tests/data/pico"}[name]
CONFIG, CHECKPOINT = str(FOLDER / f"{name}.yaml"), str(FOLDER / f"{name}.pt")

if side == "official":
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from sam2.build_sam import build_sam2, build_sam2_video_predictor
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    # The official package finds configs by name in its own folder: it is shown ours.
    GlobalHydra.instance().clear()
    initialize_config_dir(config_dir=str(FOLDER), version_base="1.2")
    CONFIG = os.path.basename(CONFIG)
else:
    from samc.build_sam import build_sam2, build_sam2_video_predictor
    from samc.sam2_image_predictor import SAM2ImagePredictor

kept = {}


def keep(key, value):
    """Arrays, tensors, numbers, and lists and tuples of these."""
    if isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            keep(f"{key}.{index}", part)
    elif value is not None:
        if hasattr(value, "numpy"):
            value = value.float().cpu().numpy()
        kept[key] = np.asarray(value)


def images():
    image = np.array(Image.open(REPOSITORY / "tests/data/images/truck.jpg").convert("RGB"))
    other = np.ascontiguousarray(image[200:800:2, 300:1100:2])
    predictor = SAM2ImagePredictor(build_sam2(CONFIG, CHECKPOINT, device="cpu"), mask_threshold=0.0)
    if side == "official":  # has the sizes of 1024 pixels written in
        predictor._bb_feat_sizes = [(predictor.model.image_size // part,) * 2 for part in (4, 8, 16)]
    # image_predictor_example.ipynb, cell by cell
    predictor.set_image(image)
    keep("embedding", predictor.get_image_embedding())
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
    refused = 0
    for wrong in (other[:, :, 0], other.astype(np.float64), other.transpose(2, 0, 1), "truck.jpg", np.dstack([other] * 2)):
        try:
            predictor.set_image(wrong)
        except Exception:  # of whatever kind the official code has
            refused += 1
    keep("refused", refused)


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
    keep(key, (frame, list(ids), logits))


def videos():
    # video_predictor_example.ipynb, with the official code's CUDA-only filling of holes switched off on both sides
    predictor = build_sam2_video_predictor(CONFIG, CHECKPOINT, device="cpu", apply_postprocessing=False)
    if side == "official":
        hold_memories_in_f32(predictor)
    state = predictor.init_state(video_path=str(REPOSITORY / "tests/data/images/bedroom"))
    keep("video", (state["num_frames"], state["video_height"], state["video_width"]))
    points, labels = np.array([[210, 350]], dtype=np.float32), np.array([1], np.int32)
    show("v.point", predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=points, labels=labels))
    more, kinds = np.array([[210, 350], [250, 220]], dtype=np.float32), np.array([1, 1], np.int32)
    show("v.points", predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, points=more, labels=kinds))
    box = np.array([300, 0, 500, 400], dtype=np.float32)
    show("v.box", predictor.add_new_points_or_box(inference_state=state, frame_idx=0, obj_id=4, box=box))
    for result in predictor.propagate_in_video(state, max_frame_num_to_track=3):
        show(f"v.forward.{result[0]}", result)
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


images()
videos()
np.savez(out, **kept)
print(f"{len(kept)} results")
