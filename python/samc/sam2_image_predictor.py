"""sam2.sam2_image_predictor: masks of an image by points, boxes and masks."""

import typing

import numpy as np

from . import _samc
from .arrays import TensorLike, as_floats, as_image, as_labels, as_numbers
from .model import Device, Module, PathLike, as_module, as_number, as_size, threads_of

Masks = typing.Tuple[np.ndarray, np.ndarray, np.ndarray]
Features = typing.Dict[str, typing.Any]


class SAM2ImagePredictor:
    """Encodes an image once, and then predicts masks for prompts.

    One predictor serves one thread at a time; another thread that calls meanwhile gets a RuntimeError. Any number of
    predictors may share a model. The interpreter's lock is released while samc computes.
    """

    def __init__(
        self,
        sam_model: Module,
        mask_threshold: float = 0.0,
        max_hole_area: float = 0.0,
        max_sprinkle_area: float = 0.0,
        **kwargs: typing.Any,
    ) -> None:
        """
        Arguments:
          sam_model: what build_sam2() or samc.load() gives.
          mask_threshold: logits above it are mask.
          max_hole_area: holes of at most so many low-res pixels are filled; 0: none.
          max_sprinkle_area: regions of at most so many low-res pixels are removed; 0: none.
          threads: to compute with; 0: one for each core. (samc's own.)
        """
        self.model = as_module(sam_model)
        self.mask_threshold = mask_threshold
        self._predictor = _samc.ImagePredictor(
            sam_model._handle,
            threads_of(sam_model, kwargs),
            as_number(mask_threshold, "mask_threshold"),
            as_number(max_hole_area, "max_hole_area"),
            as_number(max_sprinkle_area, "max_sprinkle_area"),
        )
        self._orig_hw: typing.Optional[typing.List[typing.Tuple[int, int]]] = None
        self._is_image_set = False
        self._is_batch = False

    @classmethod
    def from_pretrained(cls, model_id: PathLike, **kwargs: typing.Any) -> "SAM2ImagePredictor":
        """A predictor of the model at this path (or of "mini"). samc downloads nothing."""
        from .build_sam import build_sam2_hf

        return cls(build_sam2_hf(model_id, **kwargs), **kwargs)

    def set_image(self, image: typing.Any) -> None:
        """Runs the image encoder.

        Arguments:
          image: (height, width, 3) uint8 in RGB, or a PIL image of mode RGB. float32 is taken as it is, as in the
            official code: 0 is black and 1 is white. Read-only arrays, and rows with gaps, are not copied.
        """
        self._set([image])
        self._is_batch = False

    def set_image_batch(self, image_list: typing.List[np.ndarray]) -> None:
        """The same for several images, of any sizes, all uint8 or all float32: for predict_batch()."""
        if not isinstance(image_list, list):
            raise TypeError(f"image_list is of type {type(image_list).__name__}; give a list of arrays")
        for image in image_list:
            if not isinstance(image, np.ndarray):
                raise TypeError(f"an image of type {type(image).__name__}; give NumPy arrays")
        self._set(image_list)
        self._is_batch = True

    def _set(self, images: typing.List[typing.Any]) -> None:
        try:
            arrays = [as_image(image) for image in images]
            if len({array.dtype for array in arrays}) > 1:
                raise TypeError("images of different dtypes; give all as uint8, or all as float32")
            # The image that was set before is replaced, which takes less time than to forget it first.
            if arrays and arrays[0].dtype == np.float32:
                self._predictor.set_float_images(arrays)
            else:
                self._predictor.set_images(arrays)
        except BaseException as error:
            if type(error) is not RuntimeError:  # which says that another thread uses it
                self.reset_predictor()
            raise
        self._orig_hw = [array.shape[:2] for array in arrays]
        self._is_image_set = True

    def predict(
        self,
        point_coords: typing.Optional[np.ndarray] = None,
        point_labels: typing.Optional[np.ndarray] = None,
        box: typing.Optional[np.ndarray] = None,
        mask_input: typing.Optional[np.ndarray] = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> Masks:
        """Masks for the prompts.

        Arguments:
          point_coords: (points, 2), or (prompts, points, 2) for several prompts at once: x, y in pixels of the image.
          point_labels: (points) or (prompts, points): 1 object, 0 background.
          box: (4) or (prompts, 4): x0, y0, x1, y1 in pixels.
          mask_input: (1, low, low) or (prompts, 1, low, low): logits of an earlier call.
          multimask_output: three masks for each prompt, in the model's order; else one.
          return_logits: masks as logits, not thresholded.
          normalize_coords: coordinates are pixels; False: they are in [0, 1] of width and height.

        Returns masks (masks, height, width), scores (masks) and low-res logits (masks, low, low) in [-32, 32], all
        float32, masks being 0 or 1; with several prompts each has (prompts, ...) before that.
        """
        if not self._is_image_set:
            raise RuntimeError("An image must be set with .set_image(...) before mask prediction.")
        last = -1 if self._is_batch else 0
        return self._predict(
            point_coords, point_labels, box, mask_input, multimask_output, return_logits, normalize_coords, last
        )

    def predict_batch(
        self,
        point_coords_batch: typing.Optional[typing.List[np.ndarray]] = None,
        point_labels_batch: typing.Optional[typing.List[np.ndarray]] = None,
        box_batch: typing.Optional[typing.List[np.ndarray]] = None,
        mask_input_batch: typing.Optional[typing.List[np.ndarray]] = None,
        multimask_output: bool = True,
        return_logits: bool = False,
        normalize_coords: bool = True,
    ) -> typing.Tuple[typing.List[np.ndarray], typing.List[np.ndarray], typing.List[np.ndarray]]:
        """predict() for each image of set_image_batch(): lists of its arguments in, lists of its results out."""
        if not self._is_image_set:
            raise RuntimeError("An image must be set with .set_image_batch(...) before mask prediction.")
        if not self._is_batch:
            raise RuntimeError("predict_batch() needs set_image_batch(); predict() serves set_image()")
        count = len(self._orig_hw or [])
        lists = (point_coords_batch, point_labels_batch, box_batch, mask_input_batch)
        for given in lists:
            if given is not None and len(given) < count:
                raise ValueError(f"a list of {len(given)} prompts for {count} images")
        results = []
        for image in range(count):
            points, labels, boxes, masks = (None if given is None else given[image] for given in lists)
            results.append(
                self._predict(points, labels, boxes, masks, multimask_output, return_logits, normalize_coords, image)
            )
        return [r[0] for r in results], [r[1] for r in results], [r[2] for r in results]

    def _predict(
        self,
        point_coords: typing.Any,
        point_labels: typing.Any,
        box: typing.Any,
        mask_input: typing.Any,
        multimask_output: bool,
        return_logits: bool,
        normalize_coords: bool,
        image: int,
    ) -> Masks:
        points = labels = boxes = masks = None
        if point_coords is not None:
            if point_labels is None:
                raise ValueError("point_labels must be supplied if point_coords is supplied.")
            points, labels = as_floats(point_coords, "point_coords"), as_labels(point_labels)
            if points.ndim == 2:
                points, labels = points[None], labels[None]
            if points.ndim != 3 or points.shape[2] != 2 or labels.shape != points.shape[:2]:
                raise ValueError(
                    f"point_coords of the shape {np.shape(point_coords)} and point_labels of "
                    f"{np.shape(point_labels)}; (points, 2) and (points) are expected"
                )
        if box is not None:
            boxes = as_floats(box, "box")
            if boxes.ndim == 0 or boxes.shape[-1] not in (2, 4) or boxes.size == 0 or boxes.size % 4 != 0:
                raise ValueError(f"a box of the shape {np.shape(box)}; (4) or (prompts, 4) is expected")
            boxes = boxes.reshape(-1, 4)
            if points is not None and len(points) != len(boxes):
                raise ValueError(f"{len(boxes)} boxes with points of {len(points)} prompts")
        if mask_input is not None:
            masks = as_floats(mask_input, "mask_input")
            if masks.ndim == 3:
                masks = masks[None]
            low = self.model.image_size // 4
            if masks.ndim != 4 or masks.shape[1:] != (1, low, low):
                raise ValueError(f"mask_input of the shape {np.shape(mask_input)}; (1, {low}, {low}) is expected")
        if image < 0:
            image += len(self._orig_hw or [])
        result = self._predictor.predict(
            points, labels, boxes, masks, bool(multimask_output), bool(return_logits), bool(normalize_coords), image
        )
        return typing.cast(Masks, tuple(array[0] if len(array) == 1 else array for array in result))

    def get_image_embedding(self) -> TensorLike:
        """A copy of the image's embedding, float32 (images, 256, 64, 64) for SAM 2."""
        if not self._is_image_set:
            raise RuntimeError("An image must be set with .set_image(...) to generate an embedding.")
        return typing.cast(TensorLike, typing.cast(Features, self._features)["image_embed"])

    @property
    def _features(self) -> typing.Optional[Features]:
        """Copies. The official notebook looks at it."""
        if not self._is_image_set:
            return None
        of_images = [self._predictor.features(image)[:3] for image in range(len(self._orig_hw or []))]
        feats_0, feats_1, embed = (np.concatenate(maps).view(TensorLike) for maps in zip(*of_images))
        return {"image_embed": embed, "high_res_feats": [feats_0, feats_1]}

    def get_features(self, image: int = 0) -> Features:
        """samc's own: all that predict() needs of an image, to be kept: np.savez(path, **predictor.get_features()) is
        what `samc encode` writes. float32 high_res_feats_0 (1, 32, 256, 256), high_res_feats_1 (1, 64, 128, 128) and
        image_embed (1, 256, 64, 64) for SAM 2; int64 original_size (height, width); uint8 encoder_id."""
        if not self._is_image_set:
            raise RuntimeError("An image must be set with .set_image(...) first.")
        feats_0, feats_1, embed, width, height, encoder = self._predictor.features(self._place(image))
        return {
            "high_res_feats_0": feats_0,
            "high_res_feats_1": feats_1,
            "image_embed": embed,
            "original_size": np.array([height, width], np.int64),
            "encoder_id": np.array(list(encoder.encode()), np.uint8),
        }

    def _place(self, image: typing.Any) -> int:
        count = len(self._orig_hw or [])
        place = as_size(image, "image")
        if not 0 <= place < count:
            raise ValueError(f"no image {place}; there are {count}, counted from 0")
        return place

    def set_features(self, features: typing.Mapping[str, typing.Any]) -> None:
        """samc's own: takes what get_features() gave in place of an image. Another model's features raise ValueError."""
        self.reset_predictor()
        maps = []
        try:
            for name in ("high_res_feats_0", "high_res_feats_1", "image_embed"):
                maps.append(as_floats(features[name], name))
                if maps[-1].ndim != 4:
                    raise ValueError(f"{name} of the shape {maps[-1].shape}; (1, channels, height, width) is expected")
            size = as_numbers(features["original_size"], "original_size", np.int64)
        except KeyError as error:
            raise ValueError(f"the features lack {error}") from None
        except (TypeError, IndexError):  # from [] of what is none
            raise TypeError(f"features of type {type(features).__name__}; give what get_features() gave") from None
        if size.shape != (2,):
            raise ValueError(f"original_size of the shape {size.shape}; (height, width) is expected")
        feats_0, feats_1, embed = maps
        height, width = (int(extent) for extent in size)
        encoder = ""
        if "encoder_id" in features:
            encoder = as_numbers(features["encoder_id"], "encoder_id", np.uint8).tobytes().decode("ascii", "replace")
        self._predictor.set_features(feats_0, feats_1, embed, width, height, encoder)
        self._orig_hw = [(height, width)]
        self._is_image_set = True

    @property
    def device(self) -> Device:
        return self.model.device

    def reset_predictor(self) -> None:
        """Forgets the image."""
        self._predictor.reset()
        self._orig_hw = None
        self._is_image_set = False
        self._is_batch = False
