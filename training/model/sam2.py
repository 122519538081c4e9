"""The whole model, built from a YAML file of the official format."""

import pathlib

import torch
import torch.nn.functional as F
import yaml
from torch import nn

from training.model.encoder import FpnNeck, Hiera, ImageEncoder
from training.model.heads import MaskDecoder, PromptEncoder, start_by_position
from training.model.layers import Mlp, pointwise, sine_position_1d, sine_position_grid
from training.model.memory import MemoryAttention, MemoryEncoder

NO_OBJECT_LOGIT = -1024.0
MAX_POINTERS = 16
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_STD = (0.229, 0.224, 0.225)


def load_config(path):
    """The dictionary under "model" of an official-format YAML file."""
    return yaml.safe_load(pathlib.Path(path).read_text())["model"]


class Sam2(nn.Module):
    """SAM 2.1. Pictures are normalised (batch, 3, size, size); each object has its own batch entry in the heads."""

    def __init__(self, config):
        super().__init__()
        trunk, neck = config["image_encoder"]["trunk"], config["image_encoder"]["neck"]
        trunk = {key: value for key, value in trunk.items() if not key.startswith("_")}
        self.image_size = config["image_size"]
        self.num_memories = config["num_maskmem"]
        self.mask_scale = config["sigmoid_scale_for_mem_enc"]
        self.mask_bias = config["sigmoid_bias_for_mem_enc"]
        dim = self.dim = neck["d_model"]
        memory_dim = self.memory_dim = config["memory_encoder"]["out_dim"]

        self.image_encoder = ImageEncoder(
            Hiera(**trunk),
            FpnNeck(dim, neck["backbone_channel_list"], neck["fpn_top_down_levels"]),
            config["image_encoder"]["scalp"],
        )
        attention = config["memory_attention"]
        layer = attention["layer"]
        self.memory_attention = MemoryAttention(
            attention["num_layers"],
            dim,
            memory_dim,
            layer["dim_feedforward"],
            layer["self_attention"]["num_heads"],
            layer["self_attention"]["rope_theta"],
            layer["dropout"],
        )
        fuser = config["memory_encoder"]["fuser"]
        self.memory_encoder = MemoryEncoder(
            dim, memory_dim, fuser["num_layers"], float(fuser["layer"]["layer_scale_init_value"])
        )
        self.sam_prompt_encoder = PromptEncoder(dim, self.image_size, stride=16)
        self.sam_mask_decoder = MaskDecoder(dim, config["iou_prediction_use_sigmoid"])
        self.mask_downsample = nn.Conv2d(1, 1, 4, stride=4)
        self.obj_ptr_proj = Mlp([dim, dim, dim, dim])
        self.obj_ptr_tpos_proj = nn.Linear(dim, memory_dim)
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(self.num_memories, 1, 1, memory_dim))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, dim))
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, dim))
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, dim))
        self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, memory_dim))
        prompts, decoder = self.sam_prompt_encoder, self.sam_mask_decoder
        own_tokens = [decoder.iou_token, decoder.mask_tokens, decoder.obj_score_token]
        kinds = [*prompts.point_embeddings, prompts.not_a_point_embed, prompts.no_mask_embed]
        start_by_position(decoder.transformer, own_tokens + kinds)
        parameters = [self.maskmem_tpos_enc, self.no_mem_embed, self.no_mem_pos_enc]
        parameters += [self.no_obj_ptr, self.no_obj_embed_spatial, self.image_encoder.trunk.pos_embed]
        for parameter in parameters + [self.image_encoder.trunk.pos_embed_window]:
            nn.init.trunc_normal_(parameter, std=0.02)

    def normalise(self, pictures):
        """uint8 (batch, height, width, 3) RGB -> the encoder's input."""
        mean = torch.tensor(PIXEL_MEAN, device=pictures.device)
        std = torch.tensor(PIXEL_STD, device=pictures.device)
        return ((pictures.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()

    def encode_image(self, x):
        """Returns (stride 4, stride 8, stride 16) features, the first two already through the decoder's 1x1s."""
        return self.to_decoder(self.image_encoder(x))

    def to_decoder(self, levels):
        stride4, stride8, stride16 = levels
        decoder = self.sam_mask_decoder
        return pointwise(decoder.conv_s0, stride4), pointwise(decoder.conv_s1, stride8), stride16

    def without_memory(self, stride16):
        return stride16 + self.no_mem_embed.view(1, -1, 1, 1)

    def decode(self, features, points, labels, mask_logits=None):
        """features as of encode_image but with one entry per object; see MaskDecoder for what is returned."""
        sparse, dense = self.sam_prompt_encoder(points, labels, mask_logits)
        position = self.sam_prompt_encoder.image_position()
        return self.sam_mask_decoder(features[2], position, sparse, dense, features[:2])

    def object_pointer(self, mask_token, object_score):
        """mask_token (batch, dim); where the object is absent the learned pointer for that stands in."""
        present = (object_score > 0).to(mask_token.dtype)
        return present * self.obj_ptr_proj(mask_token) + (1 - present) * self.no_obj_ptr

    def encode_memory(self, stride16, mask_logits, object_score, binarise=False):
        """mask_logits (batch, 1, side, side) of any side -> a memory (batch, memory_dim, g, g)."""
        logits = F.interpolate(mask_logits.float(), size=(self.image_size, self.image_size), mode="bilinear")
        mask = (logits > 0).float() if binarise else logits.sigmoid()
        memory = self.memory_encoder(stride16, mask * self.mask_scale + self.mask_bias)
        absent = (object_score <= 0).to(memory.dtype)[..., None, None]
        return memory + absent * self.no_obj_embed_spatial[..., None, None]

    def with_memory(self, stride16, prompted, tracked, pointers, frame_count):
        """Conditions features (batch, dim, g, g) on the past.

        prompted: memories of prompted frames; tracked: (frames ago, memory) of up to num_memories - 1 others;
        pointers: (frames ago, pointer), prompted frames first; frame_count bounds the pointers' time scale.
        """
        batch, dim, grid, _ = stride16.shape
        spatial = sine_position_grid(self.memory_dim, grid, grid, stride16.device).flatten(1).transpose(0, 1)[None]
        memories, positions = [], []
        for frames_ago, memory in [(None, memory) for memory in prompted] + list(tracked):
            slot = self.num_memories - 1 if frames_ago is None else frames_ago - 1
            memories.append(memory.flatten(2).transpose(1, 2))
            positions.append((spatial + self.maskmem_tpos_enc[slot]).expand(batch, -1, -1))
        time = torch.tensor([float(frames_ago) for frames_ago, _ in pointers], device=stride16.device)
        time = sine_position_1d(time / (min(frame_count, MAX_POINTERS) - 1), dim)
        pieces = dim // self.memory_dim
        for (_, pointer), at in zip(pointers, self.obj_ptr_tpos_proj(time)):
            memories.append(pointer.view(batch, pieces, self.memory_dim))
            positions.append(at.expand(batch, pieces, -1))
        position = sine_position_grid(dim, grid, grid, stride16.device).flatten(1).transpose(0, 1)[None]
        x = self.memory_attention(
            stride16.flatten(2).transpose(1, 2),
            position,
            torch.cat(memories, dim=1),
            torch.cat(positions, dim=1),
            pieces * len(pointers),
        )
        return x.transpose(1, 2).unflatten(2, (grid, grid))


def build_model(path, image_size=None):
    """The model of a YAML file; another image_size serves training at a lower resolution with the same weights."""
    config = load_config(path)
    if image_size and image_size != config["image_size"]:
        config["image_size"] = image_size
        trunk = config["image_encoder"]["trunk"]
        # A window larger than its stage's grid would only be filled up with padding.
        trunk["window_spec"] = [min(w, image_size // 4 // 2**stage) for stage, w in enumerate(trunk["window_spec"])]
    return Sam2(config)
