"""The official SAM2VideoPredictor around a model of a few sums, the same as runtime/testing_video.h has it.

Everything between the model's functions is the official code: which memories and pointers take part, prompts, masks,
the order of steps. Needs the official package sam2, torch and Pillow.
"""

import numpy as np
import sam2.modeling.sam2_base as base
import sam2.sam2_video_predictor as video
import sam2.utils.misc as misc
import torch
from PIL import Image
from sam2.modeling.sam.mask_decoder import MaskDecoder

SIZE, LOW, CHANNELS = 32, 8, 4
NO_MEMORY = np.float32([0.125, -0.25, 0.375, 0.0625])
NO_POINTER = np.float32([-0.5, 0.75, -0.25, 0.5])
NO_OBJECT = np.float32([0.5, -0.25, 0.125, 0.25])
MASK = np.float64([[0.9, -0.6, 0.4, 0.3], [-0.5, 0.8, 0.7, -0.2], [0.6, 0.5, -0.9, 0.4], [0.2, -0.7, 0.6, 0.8]])


def frame_pixels(index, width, height):
    y, x = np.mgrid[:height, :width]
    planes = [(x * (13 + 5 * c) + y * (7 + 3 * c) + index * (11 + 8 * c) + (x * y) % (3 + c) * 9 + c * 40) % 256 for c in range(3)]
    return np.stack(planes, -1).astype(np.uint8)


def load_frames(count, width, height):
    mean = torch.tensor((0.485, 0.456, 0.406), dtype=torch.float32)[:, None, None]
    std = torch.tensor((0.229, 0.224, 0.225), dtype=torch.float32)[:, None, None]
    images = torch.zeros(count, 3, SIZE, SIZE, dtype=torch.float32)
    for index in range(count):
        pixels = np.array(Image.fromarray(frame_pixels(index, width, height)).resize((SIZE, SIZE)))
        images[index] = torch.from_numpy(pixels / 255.0).permute(2, 0, 1)
    images -= mean
    images /= std
    return images


def f64(tensor):
    return tensor.detach().numpy().astype(np.float64)


def f32(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float64).astype(np.float32))


class Decoder(MaskDecoder):
    def __init__(self, facts):
        torch.nn.Module.__init__(self)
        self.training = False
        self.dynamic_multimask_via_stability = True
        self.dynamic_multimask_stability_delta = 0.05
        self.dynamic_multimask_stability_thresh = 0.98
        self.use_multimask_token_for_obj_ptr = facts["use_multimask_token_for_obj_ptr"]
        self.has_score = facts["pred_obj_scores"]

    def predict_masks(self, image_embeddings, image_pe, sparse_prompt_embeddings, dense_prompt_embeddings, repeat_image,
                      high_res_features):
        embed = f64(image_embeddings).reshape(CHANNELS)
        points = f64(sparse_prompt_embeddings)[0]  # x, y, label
        dense = f64(dense_prompt_embeddings).reshape(LOW, LOW)
        red = f64(high_res_features[0]).reshape(LOW, LOW)
        y, x = np.mgrid[:LOW, :LOW] * 4.0 + 2.0
        clicks = np.zeros((LOW, LOW))
        weights = {-1: 0.05, 0: -3.0, 1: 3.0, 2: 1.0, 3: 1.5}
        for px, py, label in points:
            clicks += weights[int(label)] * np.maximum(0.0, 1.0 - (abs(px - x) + abs(py - y)) / 16.0)
        masks, scores, tokens = [], [], []
        for mask in range(4):
            shift = (MASK[mask] * embed).sum()
            masks.append(red * (0.8 + 0.2 * mask) + shift + 0.125 * dense + clicks * (1.0 - 0.1 * mask))
            score = (embed * [3.3, 1.7, 2.9, 0.7]).sum() * (mask + 1)
            scores.append(score - np.floor(score))
            tokens.append(embed * 0.5 + scores[-1] * np.arange(1, 5) * 0.25)
        score = 2.0 * embed[3] + embed[0] + 0.6 * (points[:, 2] > 0).sum() - 1.0
        return (f32(np.stack(masks)[None]), f32(np.float64(scores)[None]), f32(np.stack(tokens)[None]),
                f32([[score if self.has_score else 10.0]]))


class PromptEncoder:
    mask_input_size = (LOW, LOW)

    def __call__(self, points, boxes, masks):
        coords, labels = points
        rows = torch.cat([coords, labels[..., None].float()], -1)
        pad = torch.tensor([[[0.0, 0.0, -1.0]]])
        return torch.cat([rows, pad], 1), torch.zeros(1, 1, LOW, LOW) if masks is None else masks

    def get_dense_pe(self):
        return torch.zeros(1, CHANNELS, 1, 1)


def memory_attention(curr, curr_pos, memory, memory_pos, num_obj_ptr_tokens):
    total = 0.5 * f64(curr[0]).reshape(CHANNELS)
    split = memory.shape[0] - num_obj_ptr_tokens
    for index in range(memory.shape[0]):
        token, time = f64(memory[index, 0].float()), f64(memory_pos[index, 0])[0]
        weight = 0.5 / (1.0 + time) if index < split else 0.0625 + 0.25 * time
        total = total + token * weight * (1.0 + index / 64.0)  # the order counts
    return f32(2.0 * total / (1.0 + abs(total))).reshape(1, 1, CHANNELS)


def memory_encoder(pix_feat, masks, skip_mask_sigmoid):
    mask, feature = f64(masks), f64(pix_feat).reshape(CHANNELS)
    count = (mask > 0.5).sum() / 1024.0
    eighth = np.floor(count * 256.0) / 256.0
    whole = np.floor(mask.sum() / 1024.0 * 32.0 + 0.5) / 32.0
    values = [eighth, whole, np.floor(feature[0] * 16.0) / 16.0, np.floor(feature[1] * 16.0) / 16.0]
    return {"vision_features": f32(values).reshape(1, CHANNELS, 1, 1), "vision_pos_enc": [torch.zeros(1, CHANNELS, 1, 1)]}


def mask_downsample(mask):
    return f32(f64(mask).reshape(1, 1, LOW, 4, LOW, 4).mean((3, 5)) * 20.0 - 10.0)


def connected_components(mask):
    """8-connected regions of (1, 1, height, width), and their areas."""
    region = mask[0, 0].numpy().astype(bool)
    labels, areas = np.zeros(region.shape, np.int32), np.zeros(region.shape, np.int32)
    for start in zip(*np.nonzero(region)):
        if labels[start]:
            continue
        label, members, todo = labels.max() + 1, [], [start]
        labels[start] = label
        while todo:
            y, x = todo.pop()
            members.append((y, x))
            for other in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                inside = 0 <= other[0] < region.shape[0] and 0 <= other[1] < region.shape[1]
                if inside and region[other] and not labels[other]:
                    labels[other] = label
                    todo.append(other)
        for member in members:
            areas[member] = len(members)
    return torch.from_numpy(labels)[None, None], torch.from_numpy(areas)[None, None]


misc.get_connected_components = connected_components
# The time alone in place of its sines: what the fake attention weighs pointers by.
base.get_1d_sine_pe = lambda positions, dim: positions.float()[:, None].expand(-1, dim)


class FakePredictor(video.SAM2VideoPredictor):
    device = torch.device("cpu")

    def __init__(self, facts, options):
        torch.nn.Module.__init__(self)
        self.training = False
        for name, value in {**facts, **options}.items():
            setattr(self, name, value)
        self.image_size, self.hidden_dim, self.mem_dim = SIZE, CHANNELS, CHANNELS
        self.num_feature_levels, self.sam_prompt_embed_dim, self.sam_image_embedding_size = 3, CHANNELS, 1
        self.add_tpos_enc_to_obj_ptrs, self.proj_tpos_enc_in_obj_ptrs = True, False
        self.directly_add_no_mem_embed, self.use_high_res_features_in_sam = True, True
        self.sigmoid_scale_for_mem_enc, self.sigmoid_bias_for_mem_enc = 1.0, 0.0
        self.soft_no_obj_ptr, self.fixed_no_obj_ptr = False, True
        self.no_mem_embed = torch.from_numpy(NO_MEMORY).reshape(1, 1, CHANNELS)
        self.no_obj_ptr = torch.from_numpy(NO_POINTER).reshape(1, CHANNELS)
        self.no_obj_embed_spatial = torch.from_numpy(NO_OBJECT).reshape(1, CHANNELS)
        times = torch.arange(facts["num_maskmem"], 0, -1, dtype=torch.float32) - 1  # of index i: time num_maskmem - 1 - i
        self.maskmem_tpos_enc = times.reshape(-1, 1, 1, 1).expand(-1, 1, 1, CHANNELS)
        self.memory_attention, self.memory_encoder, self.mask_downsample = memory_attention, memory_encoder, mask_downsample
        self.sam_prompt_encoder, self.sam_mask_decoder = PromptEncoder(), Decoder(facts)
        self.obj_ptr_proj = lambda token: token * 2.0 + 0.125
        self.obj_ptr_tpos_proj = lambda time: time

    def forward_image(self, image):
        planes = f64(image)[0]
        red = planes[0].reshape(LOW, 4, LOW, 4).mean((1, 3))
        means = planes.mean((1, 2))
        vision = np.append(means, planes[:, : SIZE // 2, : SIZE // 2].mean())
        features = [f32(red)[None, None], f32(planes[1, :4, :4])[None, None], f32(vision).reshape(1, CHANNELS, 1, 1)]
        return {"backbone_fpn": features, "vision_pos_enc": [torch.zeros_like(feature) for feature in features]}

    # What the official code calls and does not have: _clear_non_cond_mem_around_input() for one object; the frame's own
    # result is not outdated.
    def _clear_obj_non_cond_mem_around_input(self, state, frame, object_index):
        reach = self.memory_temporal_stride_for_eval * self.num_maskmem
        results = state["output_dict_per_obj"][object_index]["non_cond_frame_outputs"]
        for other in range(frame - reach, frame + reach + 1):
            if other != frame:
                results.pop(other, None)
