"""sam2.sam2_video_predictor: objects tracked through a video by points, boxes and masks."""

import os
import typing

import numpy as np

from . import _samc
from .arrays import TensorLike, as_floats, as_image, as_labels, as_numbers
from .model import CPU, Device, Module, PathLike, as_module, as_path, as_size, threads_of

FrameMasks = typing.Tuple[int, typing.List[typing.Any], TensorLike]


class InferenceState(dict):
    """One video with its prompts and results: what init_state() gives. As a dict it has what the official one is read
    for: num_frames, video_height, video_width, obj_ids, device. Writing into it changes nothing.
    """

    def __init__(self, video: _samc.Video) -> None:
        super().__init__(
            num_frames=video.num_frames,
            video_height=video.height,
            video_width=video.width,
            obj_ids=[],
            device=CPU,
            storage_device=CPU,
        )
        self._video = video
        self._process = os.getpid()
        # The user's ids may be anything hashable.
        self._number_of: typing.Dict[typing.Any, int] = {}
        self._id_of: typing.Dict[int, typing.Any] = {}
        self._next = 0

    def _number(self, obj_id: typing.Any) -> int:
        """Of a known object, or one that a new object may have."""
        return self._number_of.get(obj_id, self._next)

    def _known(self, obj_id: typing.Any) -> int:
        if obj_id not in self._number_of:
            raise RuntimeError(f"no object {obj_id!r}; there are {self['obj_ids']}")
        return self._number_of[obj_id]

    def _added(self, obj_id: typing.Any) -> None:
        if obj_id in self._number_of:
            return
        self._number_of[obj_id] = self._next
        self._id_of[self._next] = obj_id
        self._next += 1
        self._list()

    def _list(self) -> None:
        """After objects have come or gone: a new list, so that one given away earlier stays."""
        self["obj_ids"] = [self._id_of[number] for number in self._video.objects()]

    def _masks(self, result: typing.Tuple[int, typing.List[int], np.ndarray]) -> FrameMasks:
        frame, numbers, logits = result
        return frame, [self._id_of[number] for number in numbers], logits.view(TensorLike)


class SAM2VideoPredictor:
    """Tracks objects through videos. init_state() gives a state for each video, and all methods take it.

    A state serves one thread at a time, in the process that made it; another thread that calls meanwhile gets a
    RuntimeError. The interpreter's lock is released while samc computes. Masks are float32 logits (objects, 1, height,
    width) of the video: above 0 is mask.
    """

    def __init__(
        self,
        sam_model: Module,
        fill_hole_area: int = 0,
        non_overlap_masks: bool = False,
        clear_non_cond_mem_around_input: bool = False,
        add_all_frames_to_correct_as_cond: bool = False,
        **kwargs: typing.Any,
    ) -> None:
        """
        Arguments:
          sam_model: what samc.load() gives, of a checkpoint. build_sam2_video_predictor() does both in one call.
          fill_hole_area: holes of at most so many low-res pixels become mask; 0: none.
          non_overlap_masks: where several objects claim a pixel, the greatest logit wins.
          clear_non_cond_mem_around_input: a prompt makes an object forget its tracked frames around it.
          add_all_frames_to_correct_as_cond: a prompt on a tracked frame makes it a conditioning frame.
        """
        if not as_module(sam_model).has_video:
            raise ValueError(f"{sam_model.name} has no functions for video; give the checkpoint, not an ONNX export")
        if fill_hole_area < 0:
            raise ValueError(f"a fill_hole_area of {fill_hole_area}; 0: none")
        self.model = sam_model
        self.fill_hole_area = fill_hole_area
        self.non_overlap_masks = non_overlap_masks
        self.clear_non_cond_mem_around_input = clear_non_cond_mem_around_input
        self.add_all_frames_to_correct_as_cond = add_all_frames_to_correct_as_cond
        self._threads = threads_of(sam_model, kwargs)

    @classmethod
    def from_pretrained(cls, model_id: PathLike, **kwargs: typing.Any) -> "SAM2VideoPredictor":
        """A predictor of the model at this path (or of "mini"). samc downloads nothing."""
        from .build_sam import build_sam2_video_predictor_hf

        return build_sam2_video_predictor_hf(model_id, **kwargs)

    @property
    def image_size(self) -> int:
        return self.model.image_size

    @property
    def device(self) -> Device:
        return CPU

    def eval(self) -> "SAM2VideoPredictor":
        return self

    def to(self, device: object) -> "SAM2VideoPredictor":
        self.model.to(device)
        return self

    def init_state(
        self,
        video_path: typing.Union[PathLike, bytes, typing.Sequence[np.ndarray]],
        offload_video_to_cpu: bool = False,
        offload_state_to_cpu: bool = False,
        async_loading_frames: bool = False,
    ) -> InferenceState:
        """Begins a video.

        Arguments:
          video_path: a folder of JPEGs or PNGs, in the order of the numbers in their names; a video file, or its bytes,
            where FFmpeg's libraries are installed; or (samc's own) a list of uint8 arrays (height, width, 3), which are
            not copied.
          The others change nothing: frames are read when they are needed, and all is on the CPU.
        """
        del offload_video_to_cpu, offload_state_to_cpu, async_loading_frames
        options = (
            self._threads,
            self.fill_hole_area,
            self.non_overlap_masks,
            self.clear_non_cond_mem_around_input,
            self.add_all_frames_to_correct_as_cond,
        )
        handle = self.model._handle
        if isinstance(video_path, bytes):
            return InferenceState(_samc.open_video_bytes(handle, video_path, *options))
        if isinstance(video_path, (str, os.PathLike)):
            return InferenceState(_samc.open_video(handle, as_path(video_path), *options))
        if not isinstance(video_path, typing.Iterable):
            raise TypeError(f"a video of type {type(video_path).__name__}; give a path, or a list of arrays")
        frames = [as_image(frame) for frame in video_path]
        if any(frame.dtype != np.uint8 for frame in frames):
            raise TypeError("frames of another dtype than uint8")
        return InferenceState(_samc.open_video_frames(handle, frames, *options))

    def add_new_points_or_box(
        self,
        inference_state: InferenceState,
        frame_idx: int,
        obj_id: typing.Any,
        points: typing.Optional[np.ndarray] = None,
        labels: typing.Optional[np.ndarray] = None,
        clear_old_points: bool = True,
        normalize_coords: bool = True,
        box: typing.Optional[np.ndarray] = None,
    ) -> FrameMasks:
        """Prompts an object on a frame. An id that is new is a new object, also while tracking.

        Arguments:
          points, labels: (points, 2) x, y in pixels of the video, and (points): 1 object, 0 background.
          clear_old_points: forget the object's points on this frame; a box needs that.
          normalize_coords: coordinates are pixels; False: they are in [0, 1].
          box: (4) x0, y0, x1, y1.

        Returns the frame's number, the objects' ids, and their masks (objects, 1, height, width) on the frame.
        """
        video = _video(inference_state)
        if (points is not None) != (labels is not None):
            raise ValueError("points and labels must be provided together")
        if points is None and box is None:
            raise ValueError("at least one of points or box must be provided as input")
        if box is not None and not clear_old_points:
            raise ValueError(
                "cannot add box without clearing old points, since box prompt must be provided before any point prompt "
                "(please use clear_old_points=True instead)"
            )
        coords = as_floats(np.zeros((0, 2)) if points is None else points, "points")
        kinds = as_labels([] if labels is None else labels)
        coords = coords[0] if coords.ndim == 3 and len(coords) == 1 else coords
        kinds = kinds[0] if kinds.ndim == 2 and len(kinds) == 1 else kinds
        if coords.ndim != 2 or coords.shape[1] != 2 or kinds.shape != coords.shape[:1]:
            raise ValueError(
                f"points of the shape {coords.shape} and labels of {kinds.shape}; (points, 2) and (points) "
                "are expected"
            )
        corners = None if box is None else as_floats(box, "box").reshape(-1)
        if corners is not None and len(corners) != 4:
            raise ValueError(f"a box of {len(corners)} numbers; 4 are expected")
        result = video.add_points_or_box(
            _frame(frame_idx),
            inference_state._number(obj_id),
            coords,
            kinds,
            corners,
            bool(clear_old_points),
            bool(normalize_coords),
        )
        inference_state._added(obj_id)
        return inference_state._masks(result)

    def add_new_points(self, *args: typing.Any, **kwargs: typing.Any) -> FrameMasks:
        """As add_new_points_or_box(), which the official code asks to use instead."""
        return self.add_new_points_or_box(*args, **kwargs)

    def add_new_mask(
        self, inference_state: InferenceState, frame_idx: int, obj_id: typing.Any, mask: np.ndarray
    ) -> FrameMasks:
        """Prompts an object by its mask (height, width), of any size: not 0 where the object is. Takes the place of
        points on the frame."""
        video = _video(inference_state)
        pixels = as_numbers(mask, "the mask", bool)
        if pixels.ndim != 2:
            raise ValueError(f"a mask of the shape {np.shape(mask)}; (height, width) is expected")
        result = video.add_mask(_frame(frame_idx), inference_state._number(obj_id), pixels.view(np.uint8))
        inference_state._added(obj_id)
        return inference_state._masks(result)

    def propagate_in_video_preflight(self, inference_state: InferenceState) -> None:
        """Raises where propagate_in_video() would."""
        _video(inference_state).propagate(None, None, False)

    def propagate_in_video(
        self,
        inference_state: InferenceState,
        start_frame_idx: typing.Optional[int] = None,
        max_frame_num_to_track: typing.Optional[int] = None,
        reverse: bool = False,
    ) -> typing.Iterator[FrameMasks]:
        """Tracks all objects, frame by frame: a generator of what add_new_points_or_box() returns. It may be left at any
        frame. After a change of the prompts it raises ValueError: begin again, from any frame.

        Arguments:
          start_frame_idx: None: the earliest that is prompted.
          max_frame_num_to_track: frames beyond the first; None: all.
          reverse: from the start frame backwards.
        """
        video = _video(inference_state)
        propagation = video.propagate(
            None if start_frame_idx is None else _frame(start_frame_idx),
            None if max_frame_num_to_track is None else as_size(max_frame_num_to_track, "max_frame_num_to_track"),
            bool(reverse),
        )
        while True:
            result = _video(inference_state).next(propagation)
            if result is None:
                return
            yield inference_state._masks(result)

    def clear_all_prompts_in_frame(
        self, inference_state: InferenceState, frame_idx: int, obj_id: typing.Any, need_output: bool = True
    ) -> typing.Optional[FrameMasks]:
        """Takes an object's prompts on a frame back. Returns the frame's masks, with need_output."""
        video = _video(inference_state)
        result = video.clear_prompts(_frame(frame_idx), inference_state._known(obj_id))
        return inference_state._masks(result) if need_output else None

    def remove_object(
        self, inference_state: InferenceState, obj_id: typing.Any, strict: bool = False, need_output: bool = True
    ) -> typing.Tuple[typing.List[typing.Any], typing.List[typing.Tuple[int, TensorLike]]]:
        """Forgets an object. Returns the ids that are left, and the frames on which it was prompted, each with the masks
        of the others there. strict: one that is not there raises RuntimeError."""
        video = _video(inference_state)
        if obj_id not in inference_state._number_of:
            if strict:
                raise RuntimeError(f"Cannot remove object id {obj_id!r}; there are {inference_state['obj_ids']}")
            return inference_state["obj_ids"], []
        number = inference_state._number_of[obj_id]
        frames = video.remove_object(number, True)
        del inference_state._number_of[obj_id]
        del inference_state._id_of[number]
        inference_state._list()
        updated = [(frame, logits.view(TensorLike)) for frame, _, logits in frames] if need_output else []
        return inference_state["obj_ids"], updated

    def reset_state(self, inference_state: InferenceState) -> None:
        """Forgets all objects, prompts and results; the video stays."""
        _video(inference_state).reset()
        inference_state._number_of.clear()
        inference_state._id_of.clear()
        inference_state._list()


def _frame(frame_idx: typing.Any) -> int:
    return as_size(frame_idx, "frame_idx")


def _video(state: InferenceState) -> _samc.Video:
    if not isinstance(state, InferenceState):
        raise TypeError(f"an inference_state of type {type(state).__name__}; init_state() gives one")
    if state._process != os.getpid():
        raise RuntimeError("the state was made before this process was forked; call init_state() in this one")
    return state._video
