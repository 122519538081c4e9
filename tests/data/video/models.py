"""The models of recordings.json: pico, mini and variants of pico that differ in the YAML's keys or in weights. What a
variant is must be said in a form that tests/video_replay_test.cpp can follow: see README.md."""

PICO = {"checkpoint": "tests/data/pico/pico.pt", "config": "tests/data/pico/pico.yaml"}
MINI = {"checkpoint": "models/mini/mini.pt", "config": "models/mini/mini.yaml"}
SCORE_BIAS = "sam_mask_decoder.pred_obj_score_head.layers.2.bias"
TIME_PROJECTION = ["obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"]
SCORE_HEAD = [
    f"sam_mask_decoder.pred_obj_score_head.layers.{layer}.{part}" for layer in range(3) for part in ("weight", "bias")
]

# SAM 2.0's architecture: what its YAML has otherwise, and the tensors that it lacks.
SAM_2_0 = {
    "overrides": {
        "no_obj_embed_spatial": False,
        "add_tpos_enc_to_obj_ptrs": False,
        "proj_tpos_enc_in_obj_ptrs": False,
        "use_signed_tpos_enc_to_obj_ptrs": False,
    },
    "drop": ["no_obj_embed_spatial", *TIME_PROJECTION],
}
# In pico the times of memories and pointers hardly count. Thirty times as large they show which ones were taken.
TIMES = {"scale": {"maskmem_tpos_enc": 30.0, "obj_ptr_tpos_proj.weight": 30.0}}


def with_keys(**overrides):
    return {**PICO, "overrides": overrides}


MODELS = {
    "pico": PICO,
    "mini": MINI,
    "sam2.0": {**PICO, **SAM_2_0},
    "mini_2.0": {**MINI, **SAM_2_0},
    # Times of pointers that are not projected: M channels, not C.
    "unprojected_times": {**with_keys(proj_tpos_enc_in_obj_ptrs=False), "drop": TIME_PROJECTION},
    # No object is ever there; objects come and go.
    "absent": {**PICO, "fill": {SCORE_BIAS: -2.0}},
    "wavering": {**PICO, "fill": {SCORE_BIAS: -0.15}},
    "wavering_2.0": {**PICO, **SAM_2_0, "fill": {SCORE_BIAS: -0.15}},
    "soft_no_obj_ptr": {**with_keys(soft_no_obj_ptr=True), "fill": {SCORE_BIAS: -0.15}},
    "unfixed_no_obj_ptr": {**with_keys(fixed_no_obj_ptr=False), "fill": {SCORE_BIAS: -0.15}},
    "no_scores": {
        **with_keys(pred_obj_scores=False, pred_obj_scores_mlp=False, fixed_no_obj_ptr=False),
        "drop": ["no_obj_ptr", "sam_mask_decoder.obj_score_token.weight", *SCORE_HEAD],
    },
    "pointers_4": with_keys(max_obj_ptrs_in_encoder=4),
    "unsigned_times": with_keys(use_signed_tpos_enc_to_obj_ptrs=False, only_obj_ptrs_in_the_past_for_eval=False),
    "pointers_ahead": with_keys(only_obj_ptrs_in_the_past_for_eval=False),
    "cond_2": with_keys(max_cond_frames_in_attn=2),
    "cond_3": with_keys(max_cond_frames_in_attn=3),
    "stride_2": with_keys(memory_temporal_stride_for_eval=2),
    "stride_3": with_keys(memory_temporal_stride_for_eval=3),
    "timed": {**PICO, **TIMES},
    "timed_stride_2": {**with_keys(memory_temporal_stride_for_eval=2), **TIMES},
    "timed_stride_3": {**with_keys(memory_temporal_stride_for_eval=3), **TIMES},
    "timed_cond_2": {**with_keys(max_cond_frames_in_attn=2), **TIMES},
    "timed_pointers_4": {**with_keys(max_obj_ptrs_in_encoder=4), **TIMES},
    "timed_pointers_ahead": {**with_keys(only_obj_ptrs_in_the_past_for_eval=False), **TIMES},
    "non_overlap_mem": {**with_keys(non_overlap_masks_for_mem_enc=True), "legacy": True},
    "mini_non_overlap_mem": {**MINI, "overrides": {"non_overlap_masks_for_mem_enc": True}, "legacy": True},
    "sam_for_masks": with_keys(use_mask_input_as_output_without_sam=False),
    "single_masks": with_keys(multimask_output_in_sam=False),
    "single_when_tracking": with_keys(multimask_output_for_tracking=False),
    "single_token": with_keys(use_multimask_token_for_obj_ptr=False),
    "multimask_1_to_3": with_keys(multimask_min_pt_num=1, multimask_max_pt_num=3),
}
