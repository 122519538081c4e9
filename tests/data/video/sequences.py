"""The sequences that are written by hand, each for one thing of the API."""


def points(frame, obj, points, labels, **more):
    return {"call": "add_new_points_or_box", "frame": frame, "object": obj, "points": points, "labels": labels, **more}


def box(frame, obj, box, **more):
    return {"call": "add_new_points_or_box", "frame": frame, "object": obj, "box": box, **more}


def mask(frame, obj, width, height, ellipse):
    """ellipse: centre x, y and radii; None: an empty mask. README.md says which pixels are in it."""
    return {"call": "add_new_mask", "frame": frame, "object": obj, "width": width, "height": height, "ellipse": ellipse}


def propagate(start=None, most=None, reverse=False):
    return {"call": "propagate_in_video", "start_frame": start, "max_frame_num_to_track": most, "reverse": reverse}


def clear(frame, obj):
    return {"call": "clear_all_prompts_in_frame", "frame": frame, "object": obj}


def remove(obj, **more):
    return {"call": "remove_object", "object": obj, **more}


RESET = {"call": "reset_state"}

# On bedroom, 160 x 90: the two children of the goldens.
LEFT = points(0, 1, [[35, 58.3], [41.7, 36.7]], [1, 1])
RIGHT = box(0, 2, [50, 0, 83.3, 66.7])
NON_OVERLAP = {"non_overlap_masks": True}
CORRECT_AS_COND = {"add_all_frames_to_correct_as_cond": True}


def left(frame, **more):
    return {**LEFT, "frame": frame, **more}


def right(frame, **more):
    return {**RIGHT, "frame": frame, **more}


def sequence(name, calls, model="pico", clip="bedroom", frames=6, options=None):
    return {"name": name, "model": model, "clip": clip, "frames": frames, "options": options or {}, "calls": calls}


def prompts_on_one_frame():
    first = points(0, 1, [[35, 58]], [1])
    more = points(0, 1, [[44, 30], [70, 50]], [1, 0], clear_old_points=False)
    ellipse = mask(0, 1, 160, 90, [38, 48, 17, 30])
    return [
        sequence("one_point", [first, propagate()]),
        sequence("points_of_both_labels", [points(0, 1, [[35, 58], [41, 36], [70, 40]], [1, 1, 0]), propagate()]),
        sequence("negative_point_only", [points(0, 1, [[120, 20]], [0]), propagate()], frames=3),
        sequence("point_outside_the_frame", [points(0, 1, [[-3, 95.5]], [1]), propagate()], frames=3),
        sequence("points_added", [first, more, propagate()]),
        sequence(
            "points_added_one_by_one",
            [
                first,
                {**first, "points": [[42, 33]], "clear_old_points": False},
                {**first, "points": [[46, 45]], "clear_old_points": False},
                propagate(),
            ],
        ),
        sequence("points_added_to_none", [{**first, "clear_old_points": False}, propagate()], frames=3),
        sequence("points_replaced", [first, {**more, "clear_old_points": True}, propagate()]),
        sequence(
            "points_as_fractions",
            [points(0, 1, [[0.22, 0.64], [0.26, 0.41]], [1, 1], normalize_coords=False), propagate()],
            frames=3,
        ),
        sequence("box", [RIGHT, propagate()]),
        sequence("box_then_points", [RIGHT, {**more, "object": 2}, propagate()]),
        sequence("box_with_points", [{**RIGHT, "points": [[66, 30], [30, 60]], "labels": [1, 0]}, propagate()]),
        sequence("points_then_box", [{**first, "object": 2}, RIGHT, propagate()]),
        sequence("box_after_box", [RIGHT, {**RIGHT, "box": [55, 5, 75, 80]}, propagate()]),
        sequence("mask_of_video_size", [ellipse, propagate()]),
        sequence("mask_of_model_size", [mask(0, 1, 256, 256, [61, 137, 27, 85]), propagate()]),
        sequence("mask_smaller", [mask(0, 1, 41, 23, [10, 12, 4, 8]), propagate()]),
        sequence("mask_larger", [mask(0, 1, 611, 347, [145, 185, 65, 115]), propagate()]),
        sequence("mask_wide_and_low", [mask(0, 1, 611, 100, [145, 53, 65, 33]), propagate()], frames=3),
        sequence("mask_empty", [mask(0, 1, 160, 90, None), propagate()]),
        sequence("mask_that_vanishes", [mask(0, 1, 611, 347, [145, 185, 1, 1]), propagate()], frames=3),
        sequence("mask_then_points", [ellipse, points(0, 1, [[44, 30]], [1]), propagate()]),
        sequence("points_then_mask", [first, ellipse, propagate()]),
        sequence("mask_then_points_twice", [ellipse, points(0, 1, [[44, 30]], [1]), more, propagate()]),
        sequence("one_frame", [LEFT, propagate(), propagate(reverse=True)], frames=1),
    ]


def directions():
    return [
        sequence("backward", [left(5), propagate(reverse=True)]),
        sequence("backward_from_first_frame", [LEFT, propagate(reverse=True), propagate()], frames=3),
        sequence("both_ways_from_the_middle", [left(3), propagate(), propagate(reverse=True)], frames=8),
        sequence("both_ways_backward_first", [left(3), propagate(reverse=True), propagate()], frames=8),
        sequence("at_most_2", [LEFT, propagate(most=2)]),
        sequence("at_most_0", [LEFT, propagate(most=0), propagate(most=1)]),
        sequence("at_most_2_backward", [left(5), propagate(most=2, reverse=True)]),
        sequence("in_pieces", [LEFT, propagate(most=2), propagate(start=3, most=1), propagate(start=5)], frames=8),
        sequence("from_after_the_prompt", [LEFT, propagate(start=3)]),
        sequence("from_before_the_prompt", [left(4), propagate(start=0)], frames=8),
        sequence("backward_from_behind_the_prompt", [left(3), propagate(start=7, reverse=True)], frames=8),
        sequence("from_0_then_backward", [left(4), propagate(start=0), propagate(start=7, reverse=True)], frames=8),
        sequence("the_same_twice", [LEFT, propagate(), propagate()]),
        sequence("forward_then_back_again", [LEFT, propagate(), propagate(start=5, reverse=True)]),
        sequence("prompts_on_several_frames", [LEFT, left(3), left(6), propagate(), propagate(reverse=True)], frames=8),
        sequence("long", [points(0, 1, [[20, 38]], [1]), propagate()], clip="shapes", frames=20),
        sequence("long_backward", [box(19, 1, [82, 24, 110, 53]), propagate(reverse=True)], clip="shapes", frames=20),
        sequence(
            "long_two_prompts",
            [box(0, 1, [92, 22, 118, 52]), box(12, 1, [44, 22, 70, 52]), propagate()],
            clip="shapes",
            frames=20,
        ),
        sequence(
            "mini_long",
            [points(0, 1, [[20, 38]], [1]), box(0, 2, [92, 22, 118, 52]), propagate()],
            model="mini",
            clip="shapes",
            frames=20,
        ),
    ]


def corrections():
    again = points(4, 1, [[46, 30], [70, 50]], [1, 0])
    before = [LEFT, propagate()]
    calls = {
        "correction": [*before, again, propagate(start=4)],
        "correction_then_all_again": [*before, again, propagate()],
        "correction_then_backward": [*before, again, propagate(start=4, reverse=True)],
        "corrections_added": [
            *before,
            again,
            points(4, 1, [[40, 70]], [1], clear_old_points=False),
            propagate(start=4),
        ],
        "correction_replaced": [*before, again, points(4, 1, [[40, 70]], [1]), propagate(start=4)],
        "correction_by_box": [*before, box(4, 1, [20, 12, 60, 88]), propagate(start=4)],
        "correction_by_mask": [*before, mask(4, 1, 160, 90, [38, 48, 17, 30]), propagate(start=4)],
        "correction_by_mask_then_points": [*before, mask(4, 1, 160, 90, [38, 48, 17, 30]), again, propagate(start=4)],
        "correction_of_the_prompted_frame": [
            *before,
            points(0, 1, [[46, 30]], [1], clear_old_points=False),
            propagate(),
        ],
        "correction_after_backward": [
            left(5),
            propagate(reverse=True),
            points(2, 1, [[46, 30]], [1]),
            propagate(start=2),
        ],
        "corrections_of_two_frames": [*before, points(2, 1, [[46, 30]], [1]), again, propagate()],
        "correction_without_tracking_on": [*before, again, points(3, 1, [[36, 66]], [1]), points(5, 1, [[1, 1]], [0])],
        "correction_corrected_after_tracking": [
            *before,
            again,
            propagate(start=4),
            points(4, 1, [[40, 70]], [1], clear_old_points=False),
            propagate(),
        ],
        "later_frame_not_yet_tracked": [LEFT, propagate(most=2), left(5), propagate()],
        "correction_cleared": [*before, again, clear(4, 1), propagate(start=3)],
        "correction_cleared_after_tracking": [*before, again, propagate(start=4), clear(4, 1), propagate(start=3)],
    }
    return [
        *[sequence(name, of, frames=7) for name, of in calls.items()],
        *[sequence(f"{name}_as_cond", of, frames=7, options=CORRECT_AS_COND) for name, of in calls.items()],
    ]


def objects():
    third = points(0, 9, [[120, 60]], [1])
    return [
        sequence("two_objects", [LEFT, RIGHT, propagate()]),
        sequence("three_objects_out_of_order", [third, RIGHT, LEFT, propagate()]),
        sequence("objects_on_different_frames", [LEFT, right(4), propagate(), propagate(reverse=True)], frames=8),
        sequence("one_prompted_twice", [LEFT, RIGHT, left(3), propagate()]),
        sequence("object_added_while_tracking", [LEFT, propagate(most=2), right(2), propagate(start=2)]),
        sequence("object_added_on_tracked_frames", [LEFT, propagate(), right(3), propagate(start=0)]),
        sequence("object_added_then_backward", [LEFT, propagate(), right(5), propagate(start=5, reverse=True)]),
        sequence(
            "correction_of_one_of_two", [LEFT, RIGHT, propagate(), points(3, 2, [[60, 40]], [0]), propagate(start=3)]
        ),
        sequence("non_overlap", [LEFT, RIGHT, third, propagate()], options=NON_OVERLAP),
        sequence(
            "non_overlap_masks_that_overlap",
            [mask(0, 1, 160, 90, [60, 45, 40, 30]), mask(0, 2, 160, 90, [90, 45, 40, 30]), propagate()],
            options=NON_OVERLAP,
        ),
        sequence("non_overlap_one_object", [LEFT, propagate()], options=NON_OVERLAP, frames=3),
        sequence(
            "non_overlap_correction",
            [LEFT, RIGHT, propagate(), points(3, 2, [[60, 40]], [0]), propagate(start=3)],
            options=NON_OVERLAP,
        ),
        sequence("mini_two_objects", [LEFT, RIGHT, propagate()], model="mini"),
        sequence("mini_non_overlap", [LEFT, RIGHT, third, propagate()], model="mini", options=NON_OVERLAP),
    ]


def clearing():
    third = points(0, 9, [[120, 60]], [1])
    return [
        sequence("clear_before_tracking", [LEFT, left(3), clear(0, 1), propagate()]),
        sequence("clear_the_second_prompt", [LEFT, left(3), clear(3, 1), propagate()]),
        sequence("clear_after_tracking", [LEFT, left(3), propagate(), clear(0, 1), propagate(start=0)]),
        sequence(
            "clear_then_prompt_again", [LEFT, propagate(), clear(0, 1), points(0, 1, [[46, 30]], [1]), propagate()]
        ),
        sequence("clear_one_of_two", [LEFT, RIGHT, left(2), clear(0, 1), propagate()]),
        sequence("clear_one_of_two_non_overlap", [LEFT, RIGHT, left(2), clear(0, 1), propagate()], options=NON_OVERLAP),
        sequence("clear_a_frame_without_prompts", [LEFT, propagate(), clear(2, 1), propagate(start=2)]),
        sequence("clear_nothing", [LEFT, clear(4, 1), propagate(most=2)]),
        sequence("clear_a_mask", [mask(0, 1, 160, 90, [38, 48, 17, 30]), left(2), clear(0, 1), propagate()]),
        sequence("remove_before_tracking", [LEFT, RIGHT, remove(1), propagate()]),
        sequence("remove_after_tracking", [LEFT, RIGHT, third, propagate(), remove(2), propagate()], frames=4),
        sequence(
            "remove_the_last", [LEFT, RIGHT, propagate(), remove(2), points(3, 1, [[46, 30]], [1]), propagate(start=3)]
        ),
        sequence("remove_the_only_one", [LEFT, propagate(), remove(1), right(2), propagate()], frames=4),
        sequence("remove_unknown", [LEFT, remove(5), propagate()], frames=3),
        sequence(
            "remove_without_output", [LEFT, RIGHT, propagate(), remove(1, need_output=False), propagate()], frames=4
        ),
        sequence("remove_then_add_again", [LEFT, RIGHT, propagate(), remove(1), left(2), propagate()], frames=4),
        sequence("remove_with_prompts_on_frames", [LEFT, left(3), RIGHT, third, right(3), remove(1), propagate()]),
        sequence(
            "remove_non_overlap",
            [LEFT, RIGHT, third, left(2), propagate(), remove(1), propagate()],
            options=NON_OVERLAP,
            frames=4,
        ),
        sequence("reset", [LEFT, RIGHT, propagate(), RESET, right(1), propagate()], frames=4),
        sequence("reset_before_tracking", [LEFT, RESET, RIGHT, propagate()], frames=4),
    ]


def variants():
    """What the YAML's keys change, each in a sequence that they change."""
    corrected = [LEFT, RIGHT, propagate(), points(4, 1, [[46, 30]], [1]), propagate(start=4)]
    ahead = [left(4), propagate(start=0), propagate(start=7, reverse=True)]
    long = [box(at, 1, [92 - 4 * at, 22, 118 - 4 * at, 52]) for at in (0, 4, 6, 11)]
    masked = [mask(0, 1, 160, 90, [38, 48, 17, 30]), RIGHT, propagate()]
    both = [left(4), propagate(), propagate(reverse=True)]
    overlapping = [mask(0, 1, 160, 90, [60, 45, 40, 30]), mask(0, 2, 160, 90, [90, 45, 40, 30]), propagate()]
    return [
        *[
            sequence(f"{model}_corrected", corrected, model, frames=7)
            for model in (
                "sam2.0",
                "absent",
                "wavering",
                "wavering_2.0",
                "soft_no_obj_ptr",
                "unfixed_no_obj_ptr",
                "no_scores",
                "single_masks",
                "single_when_tracking",
                "single_token",
                "multimask_1_to_3",
                "mini",
                "mini_2.0",
            )
        ],
        *[
            sequence(f"{model}_ahead", ahead, model, frames=8)
            for model in ("sam2.0", "unprojected_times", "unsigned_times", "pointers_ahead", "mini", "mini_2.0")
        ],
        *[
            sequence(f"{model}_masked", masked, model, frames=4)
            for model in (
                "sam2.0",
                "absent",
                "wavering",
                "soft_no_obj_ptr",
                "unfixed_no_obj_ptr",
                "no_scores",
                "sam_for_masks",
                "mini",
            )
        ],
        *[
            sequence(f"{model}_empty_mask", [mask(0, 1, 160, 90, None), propagate()], model, frames=3)
            for model in ("wavering", "soft_no_obj_ptr", "unfixed_no_obj_ptr", "no_scores", "sam_for_masks")
        ],
        *[
            sequence(
                f"{model}_prompts", [*long, propagate(start=2), propagate(start=15, reverse=True)], model, "shapes", 16
            )
            for model in ("cond_2", "cond_3")
        ],
        *[sequence(f"{model}_both_ways", both, model, frames=10) for model in ("stride_2", "stride_3")],
        sequence("pointers_4_long", [points(0, 1, [[20, 38]], [1]), long[0], propagate()], "pointers_4", "shapes", 12),
        sequence("stride_2_prompts", [*long, propagate(), propagate(start=12, reverse=True)], "stride_2", "shapes", 16),
        *[
            sequence(f"{model}_forward", [box(0, 1, [92, 22, 118, 52]), propagate()], model, "shapes", 14)
            for model in ("timed", "timed_stride_2", "timed_stride_3", "timed_pointers_4")
        ],
        *[
            sequence(f"{model}_backward", [box(13, 1, [40, 22, 66, 52]), propagate(reverse=True)], model, "shapes", 14)
            for model in ("timed", "timed_stride_2", "timed_stride_3", "timed_pointers_4")
        ],
        *[
            sequence(
                f"{model}_prompts", [*long, propagate(start=2), propagate(start=13, reverse=True)], model, "shapes", 14
            )
            for model in ("timed_cond_2", "timed_stride_2", "timed_pointers_ahead")
        ],
        sequence("timed_long", [box(0, 1, [92, 22, 118, 52]), propagate()], "timed", "shapes", 20),
        sequence("timed_corrected", corrected, "timed", frames=7),
        sequence("timed_ahead", ahead, "timed", frames=8),
        # Only what the predictors of both kinds do alike: all objects are prompted on one frame.
        sequence("non_overlap_mem_prompts", [LEFT, RIGHT, propagate()], "mini_non_overlap_mem"),
        sequence("non_overlap_mem_masks", overlapping, "non_overlap_mem"),
        sequence("non_overlap_mem_both", overlapping, "non_overlap_mem", options=NON_OVERLAP),
        sequence("absent_non_overlap", [LEFT, RIGHT, propagate()], "absent", options=NON_OVERLAP, frames=3),
    ]


def by_hand():
    return [*prompts_on_one_frame(), *directions(), *corrections(), *objects(), *clearing(), *variants()]
