"""SAM2AutomaticMaskGenerator: records, forms and options; what is refused. scripts/drop_in compares the masks themselves."""

import inspect
import json
import subprocess
import threading

import numpy as np
import pytest
from conftest import BEDROOM

import samc
from samc.tools import program

USUAL = dict(points_per_side=4, pred_iou_thresh=0.5, stability_score_thresh=0.7)


@pytest.fixture(scope="module")
def generator(mini):
    return samc.SAM2AutomaticMaskGenerator(mini, **USUAL)


def decode(rle):
    """Runs down the columns."""
    bits = np.repeat(np.arange(len(rle["counts"])) % 2, rle["counts"])
    return bits.reshape(rle["size"][::-1]).T.astype(bool)


def test_arguments_are_the_official_ones(mini):
    parameters = inspect.signature(samc.SAM2AutomaticMaskGenerator).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert list(defaults) == [
        "model", "points_per_side", "points_per_batch", "pred_iou_thresh", "stability_score_thresh",
        "stability_score_offset", "mask_threshold", "box_nms_thresh", "crop_n_layers", "crop_nms_thresh",
        "crop_overlap_ratio", "crop_n_points_downscale_factor", "point_grids", "min_mask_region_area", "output_mode",
        "use_m2m", "multimask_output", "kwargs",
    ]  # fmt: skip
    assert list(defaults.values())[1:-1] == [
        32, 64, 0.8, 0.95, 1.0, 0.0, 0.7, 0, 0.7, 512 / 1500, 1, None, 0, "binary_mask", False, True
    ]  # fmt: skip


def test_records(generator, frames):
    records = generator.generate(frames[0])
    assert len(records) > 1
    height, width = frames[0].shape[:2]
    for record in records:
        mask = record["segmentation"]
        assert mask.shape == (height, width) and mask.dtype == bool
        assert type(record["area"]) is int and record["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        left, top = columns.min(), rows.min()
        assert record["bbox"] == [left, top, columns.max() - left, rows.max() - top]
        assert all(type(side) is float for side in record["bbox"] + record["crop_box"])
        assert record["crop_box"] == [0, 0, width, height]
        assert type(record["predicted_iou"]) is float and record["predicted_iou"] > 0.5
        assert type(record["stability_score"]) is float and record["stability_score"] >= 0.7
        [[x, y]] = record["point_coords"]
        assert (x / width * 8) % 2 == 1 and (y / height * 8) % 2 == 1  # in the middle of a cell
    scores = [record["predicted_iou"] for record in records]
    assert scores == sorted(scores, reverse=True)


def test_they_are_those_of_the_program(mini, generator, frames, tmp_path):
    words = ["everything", BEDROOM / "00000.jpg", "--model", "mini", "--points-per-side", "4", "--quiet"]
    words += ["--pred-iou-thresh", "0.5", "--stability-score-thresh", "0.7", "--json", tmp_path / "all.json"]
    subprocess.run([program(), *words], check=True)
    coco = samc.SAM2AutomaticMaskGenerator(mini, **USUAL, output_mode="coco_rle").generate(frames[0])
    runs = samc.SAM2AutomaticMaskGenerator(mini, **USUAL, output_mode="uncompressed_rle").generate(frames[0])
    expected = json.loads((tmp_path / "all.json").read_text())
    assert [record["segmentation"] for record in coco] == [result["segmentation"] for result in expected]
    for record, of_runs in zip(generator.generate(frames[0]), runs):
        np.testing.assert_array_equal(record["segmentation"], decode(of_runs["segmentation"]))


def test_options(mini, frames):
    def count(**options):
        return len(samc.SAM2AutomaticMaskGenerator(mini, **{**USUAL, **options}).generate(frames[0]))

    assert count(pred_iou_thresh=0.99) == 0
    assert count(pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=1) == 48
    assert count(pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=1, multimask_output=False) == 16
    everywhere = dict(pred_iou_thresh=0, stability_score_thresh=0, points_per_side=None)
    grid = np.array([[0.2, 0.3], [0.7, 0.6]])
    assert count(**everywhere, box_nms_thresh=1, point_grids=[grid]) == 6
    assert count(**everywhere, box_nms_thresh=1, point_grids=[grid.astype(np.float32)[:, ::-1].tolist()]) == 6
    assert count(**everywhere, box_nms_thresh=1, point_grids=np.stack([grid])) == 6  # one array of all layers
    assert count(**everywhere, point_grids=[np.zeros((0, 2))]) == 0
    crops = samc.SAM2AutomaticMaskGenerator(
        mini, points_per_side=2, pred_iou_thresh=0, stability_score_thresh=0, crop_n_layers=1, use_m2m=True
    )
    assert len({tuple(record["crop_box"]) for record in crops.generate(frames[0])}) > 1
    crops.point_grids, crops.points_per_side = [np.zeros((0, 2))] * 2, None  # as the official one, it reads what is set
    assert crops.generate(frames[0]) == []


def test_small_regions_go(mini, frames):
    options = {**USUAL, "box_nms_thresh": 1, "output_mode": "uncompressed_rle"}
    before = samc.SAM2AutomaticMaskGenerator(mini, **options).generate(frames[0])
    after = samc.SAM2AutomaticMaskGenerator(mini, **options, min_mask_region_area=200.0).generate(frames[0])
    assert 0 < len(after) <= len(before)
    assert sum(len(record["segmentation"]["counts"]) for record in after) < sum(
        len(record["segmentation"]["counts"]) for record in before
    )


def test_images(generator, frames):
    image = np.ascontiguousarray(frames[0][100:300, 100:400])
    expected = generator.generate(image)
    assert expected
    wide = np.zeros((200, 320, 3), np.uint8)
    wide[:, 10:310] = image
    read_only = image.copy()
    read_only.flags.writeable = False
    for same in (wide[:, 10:310], read_only, np.asfortranarray(image), image[::-1].copy()[::-1]):
        found = generator.generate(same)
        assert [record["area"] for record in found] == [record["area"] for record in expected]
    floats = generator.generate(image.astype(np.float32) / 255)
    assert floats[0]["predicted_iou"] == pytest.approx(expected[0]["predicted_iou"], abs=5e-3)
    for wrong, kind in [
        (image[:, :, 0], ValueError),
        (image.transpose(2, 0, 1), ValueError),
        (image.astype(np.float64), TypeError),
        ("truck.jpg", NotImplementedError),
        (np.full((9, 9, 3), np.nan, np.float32), ValueError),
    ]:
        with pytest.raises(kind) as error:
            generator.generate(wrong)
        assert "\n" not in str(error.value)


def test_what_is_refused(mini):
    for options in [
        dict(points_per_side=None),
        dict(points_per_side=0),
        dict(point_grids=[np.zeros((1, 2))]),
        dict(points_per_side=None, point_grids=[np.zeros((1, 3))]),
        dict(points_per_side=None, point_grids=[np.array([["a", "b"]])]),
        dict(points_per_side=None, point_grids=[np.full((1, 2), np.nan)]),
        dict(points_per_side=None, point_grids=[np.zeros((1, 2))], crop_n_layers=1),
        dict(output_mode="png"),
        dict(points_per_batch=0),
        dict(points_per_batch=2**64),
        dict(points_per_side=-(2**70)),
        dict(points_per_side=2, crop_n_layers=1, crop_n_points_downscale_factor=2**100),
        dict(crop_n_layers=2**2000),
        dict(min_mask_region_area=float("inf")),
        dict(min_mask_region_area=float("nan")),
        dict(min_mask_region_area=1e30),
        dict(pred_iou_thresh=float("nan")),
        dict(stability_score_offset=float("inf")),
        dict(box_nms_thresh=float("nan")),
        dict(crop_n_layers=-1),
        dict(crop_overlap_ratio=2),
        dict(min_mask_region_area=-1),
        dict(threads=-1),
    ]:
        with pytest.raises(ValueError) as error:
            samc.SAM2AutomaticMaskGenerator(mini, **options)
        assert "\n" not in str(error.value), options
    for options in [
        dict(points_per_side=3.5),
        dict(pred_iou_thresh="good"),
        dict(box_nms_thresh=None),
        dict(crop_n_layers=None),
        dict(min_mask_region_area="a"),
        dict(point_grids=5, points_per_side=None),
    ]:
        with pytest.raises(TypeError) as error:
            samc.SAM2AutomaticMaskGenerator(mini, **options)
        assert next(iter(options)) in str(error.value) and "\n" not in str(error.value), options
    with pytest.raises(TypeError, match="of type str"):
        samc.SAM2AutomaticMaskGenerator("mini")
    with pytest.raises(ValueError, match="device 'cuda'"):
        samc.SAM2AutomaticMaskGenerator.from_pretrained("mini", device="cuda")
    assert samc.SAM2AutomaticMaskGenerator.from_pretrained("mini", points_per_side=2).points_per_side == 2


def test_one_generator_in_several_threads(generator, frames):
    expected = [record["area"] for record in generator.generate(frames[0])]
    found = [None] * 3

    def work(index):
        found[index] = [record["area"] for record in generator.generate(frames[0])]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 3
