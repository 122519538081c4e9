# What the classes of this package compute with. Arrays have the shapes and dtypes that the names of the arguments say in
# samc/*.py; nothing is converted here.
import typing

import numpy as np

def version() -> str: ...
def load(
    model: str,
    config: typing.Optional[str],
    image_size: typing.Optional[int],
    precision: typing.Optional[str],
    use_cache: bool,
    threads: int,
) -> Module: ...
def compile(
    model: str, output: str, config: typing.Optional[str], image_size: typing.Optional[int], precision: str
) -> typing.List[str]: ...
def export_onnx(
    model: str,
    folder: str,
    config: typing.Optional[str],
    image_size: typing.Optional[int],
    opset: int,
    video: bool,
) -> typing.Tuple[typing.List[str], typing.List[str]]: ...

class Module:
    name: str
    image_size: int
    mask_threshold: float
    encoder_id: str
    precision: str
    has_video: bool
    notes: typing.List[typing.Tuple[str, str]]
    functions: typing.List[str]
    def with_facts(self, facts: typing.Dict[str, typing.Union[bool, int, float]]) -> Module: ...

class ImagePredictor:
    def __init__(
        self, module: Module, threads: int, mask_threshold: float, max_hole_area: float, max_sprinkle_area: float
    ) -> None: ...
    def set_images(self, images: typing.List[np.ndarray]) -> None: ...
    def set_float_images(self, images: typing.List[np.ndarray]) -> None: ...
    def predict(
        self,
        points: typing.Optional[np.ndarray],
        labels: typing.Optional[np.ndarray],
        boxes: typing.Optional[np.ndarray],
        masks: typing.Optional[np.ndarray],
        multimask_output: bool,
        return_logits: bool,
        normalize_coords: bool,
        image: int,
    ) -> typing.Tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def features(
        self, image: int
    ) -> typing.Tuple[np.ndarray, np.ndarray, np.ndarray, int, int, str]: ...
    def set_features(
        self,
        high_res_feats_0: np.ndarray,
        high_res_feats_1: np.ndarray,
        image_embed: np.ndarray,
        width: int,
        height: int,
        encoder_id: str,
    ) -> None: ...
    def reset(self) -> None: ...

class AutomaticMaskGenerator:
    def __init__(
        self,
        module: Module,
        threads: int,
        points_per_side: typing.Optional[int],
        points_per_batch: int,
        pred_iou_thresh: float,
        stability_score_thresh: float,
        stability_score_offset: float,
        mask_threshold: float,
        box_nms_thresh: float,
        crop_n_layers: int,
        crop_nms_thresh: float,
        crop_overlap_ratio: float,
        crop_n_points_downscale_factor: int,
        point_grids: typing.List[np.ndarray],
        min_mask_region_area: int,
        output_mode: str,
        use_m2m: bool,
        multimask_output: bool,
    ) -> None: ...
    def generate(self, image: np.ndarray) -> typing.List[typing.Dict[str, typing.Any]]: ...
    def generate_of_floats(self, image: np.ndarray) -> typing.List[typing.Dict[str, typing.Any]]: ...

class Propagation: ...

VideoMasks = typing.Tuple[int, typing.List[int], np.ndarray]

class Video:
    num_frames: int
    width: int
    height: int
    def objects(self) -> typing.List[int]: ...
    def add_points_or_box(
        self,
        frame: int,
        object: int,
        points: np.ndarray,
        labels: np.ndarray,
        box: typing.Optional[np.ndarray],
        clear_old_points: bool,
        normalize_coords: bool,
    ) -> VideoMasks: ...
    def add_mask(self, frame: int, object: int, mask: np.ndarray) -> VideoMasks: ...
    def clear_prompts(self, frame: int, object: int) -> VideoMasks: ...
    def remove_object(self, object: int, strict: bool) -> typing.List[VideoMasks]: ...
    def reset(self) -> None: ...
    def propagate(
        self, start_frame: typing.Optional[int], max_frames: typing.Optional[int], reverse: bool
    ) -> Propagation: ...
    def next(self, propagation: Propagation) -> typing.Optional[VideoMasks]: ...

def open_video(
    module: Module,
    path: str,
    threads: int,
    fill_hole_area: int,
    non_overlap_masks: bool,
    clear_non_cond_mem_around_input: bool,
    add_all_frames_to_correct_as_cond: bool,
) -> Video: ...
def open_video_bytes(
    module: Module,
    data: bytes,
    threads: int,
    fill_hole_area: int,
    non_overlap_masks: bool,
    clear_non_cond_mem_around_input: bool,
    add_all_frames_to_correct_as_cond: bool,
) -> Video: ...
def open_video_frames(
    module: Module,
    frames: typing.List[np.ndarray],
    threads: int,
    fill_hole_area: int,
    non_overlap_masks: bool,
    clear_non_cond_mem_around_input: bool,
    add_all_frames_to_correct_as_cond: bool,
) -> Video: ...
