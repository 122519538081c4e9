"""SAM2VideoPredictor: shapes, values, objects that come and go; what is refused."""

import numpy as np
import pytest
from conftest import BEDROOM

import samc


@pytest.fixture(scope="module")
def tracker(cache):
    return samc.build_sam2_video_predictor(None, "mini")


@pytest.fixture()
def state(tracker):
    return tracker.init_state(str(BEDROOM))


def test_state(state, frames):
    assert state["num_frames"] == len(frames)
    assert (state["video_height"], state["video_width"]) == frames[0].shape[:2]
    assert state["obj_ids"] == []


def test_tracks(tracker, state, frames):
    height, width = frames[0].shape[:2]
    frame, ids, masks = tracker.add_new_points_or_box(state, 0, "girl", [[210, 350], [250, 220]], [1, 1])
    assert (frame, ids) == (0, ["girl"])
    assert masks.shape == (1, 1, height, width) and masks.dtype == np.float32
    as_notebooks_say = (masks[0] > 0.0).cpu().numpy()
    assert type(as_notebooks_say) is np.ndarray and as_notebooks_say.shape == (1, height, width)
    tracker.add_new_points_or_box(state, frame_idx=0, obj_id=7, box=np.array([300, 0, 500, 400]))
    assert state["obj_ids"] == ["girl", 7]
    seen = {}
    for frame, ids, masks in tracker.propagate_in_video(state):
        assert ids == ["girl", 7] and masks.shape == (2, 1, height, width)
        seen[frame] = masks
    assert list(seen) == list(range(len(frames)))
    backwards = [frame for frame, _, _ in tracker.propagate_in_video(state, start_frame_idx=2, reverse=True)]
    assert backwards == [2, 1, 0]
    some = [frame for frame, _, _ in tracker.propagate_in_video(state, start_frame_idx=1, max_frame_num_to_track=1)]
    assert some == [1, 2]


def test_frames_in_memory_are_as_those_of_a_folder(tracker, state, frames):
    of_memory = tracker.init_state(frames)
    for one in (state, of_memory):
        tracker.add_new_points_or_box(one, 1, 1, [[210, 350]], [1])
    for (_, _, a), (_, _, b) in zip(tracker.propagate_in_video(state), tracker.propagate_in_video(of_memory)):
        np.testing.assert_array_equal(a, b)


def test_masks_and_corrections(tracker, state, frames):
    height, width = frames[0].shape[:2]
    mask = np.zeros((height, width), bool)
    mask[100:300, 200:400] = True
    _, _, logits = tracker.add_new_mask(state, 0, 1, mask)
    assert ((logits[0, 0] > 0) == mask).mean() > 0.98
    list(tracker.propagate_in_video(state, max_frame_num_to_track=2))
    _, _, corrected = tracker.add_new_points_or_box(state, 1, 1, [[300, 200]], [0])
    assert corrected.shape == (1, 1, height, width)
    _, _, more = tracker.add_new_points_or_box(state, 1, 1, [[250, 150]], [1], clear_old_points=False)
    assert not np.array_equal(more, corrected)
    frame, ids, _ = tracker.clear_all_prompts_in_frame(state, 1, 1)
    assert (frame, ids) == (1, [1])
    assert tracker.clear_all_prompts_in_frame(state, 1, 1, need_output=False) is None


def test_objects_come_and_go(tracker, state):
    for name in ("a", "b", "c"):
        tracker.add_new_points_or_box(state, 0, name, [[210, 350]], [1])
    before = state["obj_ids"]
    left, updated = tracker.remove_object(state, "b")
    assert left == ["a", "c"] == state["obj_ids"] and before == ["a", "b", "c"]
    assert [frame for frame, _ in updated] == [0] and updated[0][1].shape[0] == 2
    assert tracker.remove_object(state, "b") == (["a", "c"], [])
    with pytest.raises(RuntimeError, match="'b'"):
        tracker.remove_object(state, "b", strict=True)
    assert tracker.remove_object(state, "a", need_output=False) == (["c"], [])
    # Ids are free again, and the numbers behind them are not mixed up.
    tracker.add_new_points_or_box(state, 0, "b", [[210, 350]], [1])
    assert state["obj_ids"] == ["c", "b"]
    assert [ids for _, ids, _ in tracker.propagate_in_video(state, max_frame_num_to_track=0)] == [["c", "b"]]
    tracker.reset_state(state)
    assert state["obj_ids"] == []
    with pytest.raises(ValueError, match="no object"):
        next(tracker.propagate_in_video(state))
    with pytest.raises(ValueError):
        tracker.propagate_in_video_preflight(state)


def test_wrong_prompts(tracker, state, frames):
    for arguments in [
        dict(points=[[5, 5]]),
        dict(labels=[1]),
        dict(),
        dict(points=[[5, 5]], labels=[1, 1]),
        dict(points=[[5, 5, 5]], labels=[1]),
        dict(points=[[np.nan, 5]], labels=[1]),
        dict(box=[1, 2, 3]),
        dict(box=[0, 0, 9, 9], clear_old_points=False),
    ]:
        with pytest.raises(ValueError) as error:
            tracker.add_new_points_or_box(state, 0, 1, **arguments)
        assert "\n" not in str(error.value)
    for frame in (-1, len(frames), 10**18):
        with pytest.raises(ValueError, match="no frame"):
            tracker.add_new_points_or_box(state, frame, 1, [[5, 5]], [1])
    with pytest.raises(ValueError, match="frame_idx is out of its range"):
        tracker.add_new_points_or_box(state, 2**70, 1, [[5, 5]], [1])
    for frame, object_id in (("first", 1), (0.5, 1), (0, [1])):
        with pytest.raises(TypeError):
            tracker.add_new_points_or_box(state, frame, object_id, [[5, 5]], [1])
    for mask in (np.zeros((1, 5, 5)), np.zeros((0, 0)), np.broadcast_to(np.uint8(1), (20000, 20000)), [["a"]], "mask"):
        with pytest.raises(ValueError) as error:
            tracker.add_new_mask(state, 0, 1, mask)
        assert "\n" not in str(error.value)
    with pytest.raises(TypeError):
        tracker.add_new_points_or_box({}, 0, 1, [[5, 5]], [1])
    with pytest.raises(RuntimeError, match="no object"):
        tracker.clear_all_prompts_in_frame(state, 0, 1)
    assert state["obj_ids"] == []  # nothing of all that is an object
    tracker.add_new_mask(state, 0, 1, [[True, False], [False, True]])  # of any size
    for most in (float("nan"), "a", 1.0):
        with pytest.raises(TypeError, match="max_frame_num_to_track is"):
            next(tracker.propagate_in_video(state, max_frame_num_to_track=most))
    for most in (-1, 2**70):
        with pytest.raises(ValueError):
            next(tracker.propagate_in_video(state, max_frame_num_to_track=most))
    assert next(tracker.propagate_in_video(state, max_frame_num_to_track=2**62))[0] == 0


def test_prompts_end_a_propagation(tracker, state):
    tracker.add_new_points_or_box(state, 0, 1, [[210, 350]], [1])
    tracking = tracker.propagate_in_video(state)
    next(tracking)
    tracker.add_new_points_or_box(state, 0, 2, [[250, 220]], [1])
    with pytest.raises(ValueError):
        next(tracking)
    assert next(tracker.propagate_in_video(state))[1] == [1, 2]


def test_videos_that_are_none(tracker, tmp_path, frames):
    with pytest.raises(OSError):
        tracker.init_state(str(tmp_path / "none"))
    with pytest.raises(ValueError):
        tracker.init_state(str(tmp_path))
    with pytest.raises(Exception) as error:
        tracker.init_state(b"no video")
    assert not isinstance(error.value, (SystemError, KeyboardInterrupt)) and "\n" not in str(error.value)
    with pytest.raises(ValueError, match="frame 1 has"):
        tracker.init_state([frames[0], frames[1][:100]])
    with pytest.raises(ValueError):
        tracker.init_state([])
    with pytest.raises(TypeError):
        tracker.init_state([frames[0].astype(np.float32)])
    for wrong in (None, 5):
        with pytest.raises(TypeError, match="give a path"):
            tracker.init_state(wrong)
    with pytest.raises(ValueError, match="names no file"):
        tracker.init_state("a\0b")


def test_states_are_independent(tracker, state, frames):
    other = tracker.init_state(frames)
    tracker.add_new_points_or_box(state, 0, 1, [[210, 350]], [1])
    assert other["obj_ids"] == []
    tracking = tracker.propagate_in_video(state)
    next(tracking)
    del state  # the generator holds it
    assert next(tracking)[0] == 1
