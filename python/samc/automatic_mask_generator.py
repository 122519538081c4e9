"""sam2.automatic_mask_generator: masks of everything in an image."""

import math
import typing

import numpy as np

from . import _samc
from .arrays import as_image, as_numbers
from .model import Module, PathLike, as_module, as_number, as_size, threads_of

Record = typing.Dict[str, typing.Any]


class SAM2AutomaticMaskGenerator:
    """Asks the model about a grid of points, and keeps the masks that are good, stable and no duplicates.

    Any number of threads may call generate(). The interpreter's lock is released while samc computes.
    """

    def __init__(
        self,
        model: Module,
        points_per_side: typing.Optional[int] = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.8,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        mask_threshold: float = 0.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        point_grids: typing.Optional[typing.List[np.ndarray]] = None,
        min_mask_region_area: float = 0,
        output_mode: str = "binary_mask",
        use_m2m: bool = False,
        multimask_output: bool = True,
        **kwargs: typing.Any,
    ) -> None:
        """
        Arguments:
          model: what build_sam2() or samc.load() gives.
          points_per_side: a grid of points_per_side x points_per_side points. None: point_grids says where.
          points_per_batch: at most so many points are decoded together; changes no mask.
          pred_iou_thresh: masks of more quality than this are kept, by the model's own guess; 0: all.
          stability_score_thresh: masks of at least this stability are kept; 0: all.
          stability_score_offset: stability compares the masks at mask_threshold plus and minus this.
          mask_threshold: logits above it are mask.
          box_nms_thresh: of masks whose boxes overlap more (IoU), the one of the best quality is kept.
          crop_n_layers: also looks at crops of the image: 2**n x 2**n of them in layer n.
          crop_nms_thresh: as box_nms_thresh, between crops: the mask of the smaller crop is kept.
          crop_overlap_ratio: how far crops overlap, as a part of the image's shorter side.
          crop_n_points_downscale_factor: each further layer has so many times fewer points a side.
          point_grids: one array (points, 2) for each layer: x, y in [0, 1] of the crop. Instead of points_per_side.
          min_mask_region_area: holes and islands of fewer pixels are filled and removed; 0: none.
          output_mode: how "segmentation" is given: "binary_mask", "uncompressed_rle" or "coco_rle".
          use_m2m: each mask is given back to the model once as a prompt.
          multimask_output: three masks for each point; else one.
          threads: to compute with; 0: one for each core. (samc's own.)

        What contradicts itself or is out of its range raises ValueError. All of these are attributes too, which the next
        generate() reads.
        """
        self.model = as_module(model)
        self.points_per_side = points_per_side
        self.points_per_batch = points_per_batch
        self.pred_iou_thresh = pred_iou_thresh
        self.stability_score_thresh = stability_score_thresh
        self.stability_score_offset = stability_score_offset
        self.mask_threshold = mask_threshold
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.crop_n_points_downscale_factor = crop_n_points_downscale_factor
        self.point_grids = point_grids
        self.min_mask_region_area = min_mask_region_area
        self.output_mode = output_mode
        self.use_m2m = use_m2m
        self.multimask_output = multimask_output
        self._threads = threads_of(model, kwargs)
        self._generator()  # raises now what generate() would

    @classmethod
    def from_pretrained(cls, model_id: PathLike, **kwargs: typing.Any) -> "SAM2AutomaticMaskGenerator":
        """A generator of the model at this path (or of "mini"). samc downloads nothing."""
        from .build_sam import build_sam2_hf

        return cls(build_sam2_hf(model_id, **kwargs), **kwargs)

    def generate(self, image: np.ndarray) -> typing.List[Record]:
        """Masks of everything, the best first; with crops, those of the smallest crops first. Ctrl-C ends it after the
        points at hand.

        Arguments:
          image: (height, width, 3) uint8 in RGB. float32 is taken as it is: 0 is black and 1 is white.

        Returns a list of dictionaries, which may be empty:
          segmentation: bool (height, width); or {"size": [height, width], "counts": ...}, where counts is a list of run
            lengths down the columns ("uncompressed_rle"), or COCO's text ("coco_rle").
          area (int): pixels of the mask.
          bbox (list of 4 float): x, y, width, height of its box, from its first to its last pixel.
          predicted_iou (float): the model's own guess of the mask's quality.
          point_coords ([[x, y]]): the point that it was found by, pixels.
          stability_score (float): how much of the mask is left when its threshold moves.
          crop_box (list of 4 float): x, y, width, height of the crop that it was found in.
        """
        array = as_image(image)
        generator = self._generator()
        return generator.generate_of_floats(array) if array.dtype == np.float32 else generator.generate(array)

    def _generator(self) -> _samc.AutomaticMaskGenerator:
        return _samc.AutomaticMaskGenerator(
            self.model._handle,
            self._threads,
            None if self.points_per_side is None else as_size(self.points_per_side, "points_per_side"),
            as_size(self.points_per_batch, "points_per_batch"),
            as_number(self.pred_iou_thresh, "pred_iou_thresh"),
            as_number(self.stability_score_thresh, "stability_score_thresh"),
            as_number(self.stability_score_offset, "stability_score_offset"),
            as_number(self.mask_threshold, "mask_threshold"),
            as_number(self.box_nms_thresh, "box_nms_thresh"),
            as_size(self.crop_n_layers, "crop_n_layers"),
            as_number(self.crop_nms_thresh, "crop_nms_thresh"),
            as_number(self.crop_overlap_ratio, "crop_overlap_ratio"),
            as_size(self.crop_n_points_downscale_factor, "crop_n_points_downscale_factor"),
            _as_grids(self.point_grids),
            _as_area(self.min_mask_region_area),
            str(self.output_mode),
            bool(self.use_m2m),
            bool(self.multimask_output),
        )


def _as_area(value: typing.Any) -> int:
    area = as_number(value, "min_mask_region_area")
    if math.isinf(area):
        raise ValueError(f"min_mask_region_area is {area}; give pixels")
    return as_size(math.ceil(area), "min_mask_region_area")


def _as_grids(grids: typing.Any) -> typing.List[np.ndarray]:
    """Of a list of arrays, or of one array (layers, points, 2)."""
    if grids is None:
        return []
    if not isinstance(grids, (list, tuple, np.ndarray)):
        raise TypeError(f"point_grids of type {type(grids).__name__}; give a list with an array (points, 2) a layer")
    return [_as_grid(grid) for grid in grids]


def _as_grid(grid: typing.Any) -> np.ndarray:
    array = as_numbers(grid, "a point grid", np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"a point grid of the shape {array.shape}; (points, 2) is expected")
    return array
