"""SAM2ImagePredictor: shapes, dtypes and values; what is refused and how."""

import subprocess

import numpy as np
import pytest
from conftest import TRUCK
from PIL import Image

import samc
from samc.tools import program

POINT, LABEL = np.array([[250, 450]]), np.array([1])


def test_masks_are_those_of_the_program(predictor, truck, tmp_path):
    kept = tmp_path / "kept.npz"
    subprocess.run(
        [program(), "segment", TRUCK, "--model", "mini", "--point", "250,450", "--save-npz", kept, "--quiet"], check=True
    )
    predictor.set_image(truck)
    masks, scores, logits = predictor.predict(POINT, LABEL)
    expected = np.load(kept)
    assert masks.shape == (3, 1200, 1800) and masks.dtype == np.float32
    assert scores.shape == (3,) and scores.dtype == np.float32
    low = predictor.model.image_size // 4
    assert logits.shape == (3, low, low) and logits.dtype == np.float32
    np.testing.assert_array_equal(masks, expected["masks"][0])
    np.testing.assert_array_equal(scores, expected["iou_predictions"][0])
    np.testing.assert_array_equal(logits, expected["low_res_logits"][0])


def test_one_mask_logits_boxes_and_mask_input(predictor, small):
    predictor.set_image(small)
    masks, scores, logits = predictor.predict(POINT / 4, LABEL, multimask_output=False)
    assert masks.shape == (1, 150, 200) and scores.shape == (1,) and set(np.unique(masks)) <= {0, 1}
    refined, _, _ = predictor.predict(POINT / 4, LABEL, mask_input=logits, multimask_output=False, return_logits=True)
    assert refined.shape == (1, 150, 200) and len(np.unique(refined)) > 100
    boxes = np.array([[10, 10, 90, 90], [50, 20, 150, 140], [0, 0, 200, 150]])
    several, ious, lows = predictor.predict(box=boxes, multimask_output=False)
    assert several.shape == (3, 1, 150, 200) and ious.shape == (3, 1) and lows.shape[:2] == (3, 1)
    for index, box in enumerate(boxes):
        np.testing.assert_array_equal(several[index], predictor.predict(box=box, multimask_output=False)[0])
    both = predictor.predict(np.array([[[20, 30]], [[60, 70]]]), np.array([[1], [0]]), box=boxes[:2])
    assert both[0].shape == (2, 3, 150, 200)


def test_normalized_coordinates(predictor, small):
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])
    found = predictor.predict([[0.25, 0.5]], [1], normalize_coords=False)
    np.testing.assert_allclose(found[2], expected[2], atol=1e-4)


def test_batches(predictor, small, truck):
    predictor.set_image_batch([small, truck])
    masks, scores, logits = predictor.predict_batch([[[50, 75]], [[250, 450]]], [[1], [1]], multimask_output=False)
    assert [m.shape for m in masks] == [(1, 150, 200), (1, 1200, 1800)]
    assert predictor.get_image_embedding().shape[0] == 2
    features = predictor._features  # which the official notebook looks at
    np.testing.assert_array_equal(features["image_embed"][1], predictor.get_features(1)["image_embed"][0])
    np.testing.assert_array_equal(features["high_res_feats"][0][1], predictor.get_features(1)["high_res_feats_0"][0])
    predictor.set_image(small)
    np.testing.assert_array_equal(predictor.predict([[50, 75]], [1], multimask_output=False)[0], masks[0])
    with pytest.raises(RuntimeError):
        predictor.predict_batch([[[50, 75]]], [[1]])


def test_pil_images_are_as_arrays(predictor, small):
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])
    predictor.set_image(Image.fromarray(small))
    np.testing.assert_array_equal(predictor.predict([[50, 75]], [1])[2], expected[2])
    with pytest.raises(ValueError, match="mode L"):
        predictor.set_image(Image.fromarray(small).convert("L"))


def test_floats_are_taken_as_they_are(predictor, small):
    """As the official code does: 0 to 1, undivided."""
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])
    predictor.set_image(small.astype(np.float32) / 255)
    np.testing.assert_allclose(predictor.predict([[50, 75]], [1])[2], expected[2], atol=2e-3)
    predictor.set_image(small.astype(np.float32))  # which is another image
    assert np.abs(predictor.predict([[50, 75]], [1])[2] - expected[2]).max() > 0.1


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int16, np.int64, bool])
def test_other_dtypes(predictor, small, dtype):
    with pytest.raises(TypeError, match="dtype"):
        predictor.set_image(small.astype(dtype))


@pytest.mark.parametrize("shape", [(), (5,), (150, 200), (150, 200, 1), (150, 200, 4), (3, 150, 200), (1, 9, 9, 3), (0, 9, 3)])
def test_other_shapes(predictor, shape):
    with pytest.raises(ValueError, match="shape"):
        predictor.set_image(np.zeros(shape, np.uint8))
    with pytest.raises(RuntimeError, match="must be set"):
        predictor.predict([[5, 5]], [1])


def test_images_that_are_too_large(predictor):
    """Are refused before anything of that size is made."""
    for image in (np.broadcast_to(np.uint8(7), (60000, 60000, 3)), np.broadcast_to(np.uint8(7), (70000, 9, 3))):
        with pytest.raises(ValueError, match="more than the limits"):
            predictor.set_image(image)


def test_other_types(predictor):
    with pytest.raises(NotImplementedError):
        predictor.set_image("truck.jpg")
    with pytest.raises(TypeError):
        predictor.set_image_batch(np.zeros((2, 9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="no images"):
        predictor.set_image_batch([])
    for options in (dict(mask_threshold="a"), dict(mask_threshold=np.nan), dict(max_hole_area=np.nan)):
        with pytest.raises((TypeError, ValueError), match=f"{next(iter(options))} is"):
            samc.SAM2ImagePredictor(predictor.model, **options)
    with pytest.raises(TypeError):
        samc.SAM2ImagePredictor("mini")


def test_layouts(predictor, small):
    """Whatever lies in memory: the same masks."""
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])[2]
    wide = np.zeros((150, 260, 3), np.uint8)
    wide[:, 30:230] = small
    read_only = small.copy()
    read_only.flags.writeable = False
    layouts = {
        "rows with gaps": wide[:, 30:230],
        "read-only": read_only,
        "upside down": np.ascontiguousarray(small[::-1])[::-1],
        "BGR turned": np.ascontiguousarray(small[:, :, ::-1])[:, :, ::-1],
        "Fortran": np.asfortranarray(small),
        "planes": np.ascontiguousarray(small.transpose(2, 0, 1)).transpose(1, 2, 0),
        "bytes": np.frombuffer(small.tobytes(), np.uint8).reshape(small.shape),
    }
    for name, image in layouts.items():
        predictor.set_image(image)
        np.testing.assert_array_equal(predictor.predict([[50, 75]], [1])[2], expected, err_msg=name)
    predictor.set_image(small.astype(">f4") / np.float32(255))
    predictor.set_image((small.astype(np.float32) / 255)[:, ::-1][:, ::-1])


def test_wrong_prompts(predictor, small):
    predictor.set_image(small)
    low = predictor.model.image_size // 4
    for arguments in [
        dict(point_coords=[[5, 5]]),
        dict(point_coords=[[5, 5]], point_labels=[1, 0]),
        dict(point_coords=[[5, 5, 5]], point_labels=[1]),
        dict(point_coords=[5, 5], point_labels=[1]),
        dict(point_coords=[[np.nan, 5]], point_labels=[1]),
        dict(point_coords=[[np.inf, 5]], point_labels=[1]),
        dict(point_coords=[["a", "b"]], point_labels=[1]),
        dict(point_coords=[[5, 5]], point_labels=[7]),
        dict(point_coords=[[5, 5]], point_labels=["a"]),
        dict(point_coords=[[5, 5]], point_labels=[np.nan]),
        dict(point_coords=[[5, 5]], point_labels=[2**32]),  # not 0, which is what its lower half says
        dict(point_coords=[[5, 5]], point_labels=[2**64 + 1]),
        dict(point_coords=[[5, 5]], point_labels=np.array([2**32 + 1], np.uint64)),
        dict(point_coords=[[5, 5]], point_labels=[1j]),
        dict(point_coords=[[1e300, 5]], point_labels=[1]),
        dict(point_coords=[["1", "2"]], point_labels=[1]),
        dict(point_coords=[[1j, 5]], point_labels=[1]),
        dict(point_coords=np.zeros((1, 2), "M8[D]"), point_labels=[1]),
        dict(point_coords=[[5, 5]], point_labels=["1"]),
        dict(point_coords=np.zeros((0, 1, 2)), point_labels=np.zeros((0, 1))),
        dict(point_coords=np.zeros((5000, 2)), point_labels=np.zeros(5000)),
        dict(point_coords=np.zeros((2, 1, 2)), point_labels=np.zeros((2, 1)), mask_input=np.zeros((3, 1, low, low))),
        dict(box=[1, 2, 3]),
        dict(box=[1, 2, 3, np.nan]),
        dict(box=np.zeros((0, 4))),
        dict(box=[[0, 0, 9, 9], [1, 1, 8, 8]], point_coords=[[5, 5]], point_labels=[1]),
        dict(mask_input=np.zeros((low, low), np.float32)),
        dict(mask_input=np.zeros((1, low, low + 1), np.float32)),
        dict(mask_input=np.full((1, low, low), np.nan, np.float32)),
    ]:
        with pytest.raises(ValueError) as error:
            predictor.predict(**arguments)
        assert "\n" not in str(error.value), arguments
    assert predictor.predict([[-50, 1e6]], [1])[0].shape == (3, 150, 200)  # outside is allowed
    nan = small.astype(np.float32)
    nan[3, 4, 1] = np.nan
    with pytest.raises(ValueError, match="row 3"):
        predictor.set_image(nan)


def test_features_go_out_and_in(predictor, mini, small, tmp_path):
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])
    np.savez(tmp_path / "kept.npz", **predictor.get_features())
    other = samc.SAM2ImagePredictor(mini)
    other.set_features(np.load(tmp_path / "kept.npz"))
    for found, wanted in zip(other.predict([[50, 75]], [1]), expected):
        np.testing.assert_array_equal(found, wanted)
    features = predictor.get_features()
    features["encoder_id"] = np.array([65, 66], np.uint8)
    with pytest.raises(ValueError, match="another image encoder"):
        other.set_features(features)
    with pytest.raises(ValueError, match="lack"):
        other.set_features({})
    features = predictor.get_features()
    features["image_embed"] = features["image_embed"][:, :-1]
    with pytest.raises(ValueError):
        other.set_features(features)
    for size in ([5], [0, 5], 3, ["a", "b"], [2**40, 2**40]):
        with pytest.raises(ValueError) as error:
            other.set_features({**predictor.get_features(), "original_size": np.array(size)})
        assert "\n" not in str(error.value), size
    with pytest.raises(TypeError, match="get_features"):
        other.set_features([1])
    with pytest.raises(RuntimeError):
        other.get_image_embedding()
    for image in (1, -1, 2**64):
        with pytest.raises(ValueError, match="no image|out of its range"):
            predictor.get_features(image)
    with pytest.raises(TypeError, match="image is 'a'; give an integer"):
        predictor.get_features("a")


def test_results_outlive_the_predictor(mini, small):
    predictor = samc.SAM2ImagePredictor(mini)
    predictor.set_image(small)
    masks, scores, logits = predictor.predict([[50, 75]], [1])
    embedding = predictor.get_image_embedding()
    copies = [array.copy() for array in (masks, scores, logits, embedding)]
    del predictor
    for array, copy in zip((masks, scores, logits, embedding), copies):
        np.testing.assert_array_equal(array, copy)
        array += 1  # it is the caller's


def test_masks_in_use_are_left_alone(predictor, small, truck):
    """The memory of masks that are no longer used is written again; that of all others is not."""
    predictor.set_image(small)
    first = predictor.predict([[50, 75]], [1])[0]
    part, copy = first[1, 20:40], first.copy()
    other = predictor.predict([[120, 30]], [1])[0]
    other_copy = other.copy()
    del first  # but a part of it
    for point in ([[5, 5]], [[120, 30]], [[199, 149]]):
        predictor.predict(point, [1])
        logits = predictor.predict(point, [1], return_logits=True)[0]
        assert not np.isin(logits, [0, 1]).all()
    np.testing.assert_array_equal(part, copy[1, 20:40])
    np.testing.assert_array_equal(other, other_copy)
    del part, other
    np.testing.assert_array_equal(predictor.predict([[50, 75]], [1])[0], copy)
    predictor.set_image(truck)  # of another size
    assert predictor.predict([[50, 75]], [1])[0].shape == (3, 1200, 1800)


def test_an_image_that_fails_is_none(predictor, small):
    predictor.set_image(small)
    for wrong in (small[:, :, 0], small.astype(np.float64), "truck.jpg"):
        with pytest.raises((ValueError, TypeError, NotImplementedError)):
            predictor.set_image(wrong)
        with pytest.raises(RuntimeError, match="must be set"):
            predictor.predict([[50, 75]], [1])
        predictor.set_image(small)
