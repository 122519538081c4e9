"""The prompt encoder and the mask decoder."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from training.model.layers import Attention, LayerNorm2d, Mlp, upscale_twice


class RandomPositionEncoding(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, channels // 2))

    def forward(self, position):
        """position (..., 2) is (x, y) in [0, 1]; returns (..., channels)."""
        with torch.autocast(position.device.type, enabled=False):
            angle = 2 * math.pi * ((2 * position.float() - 1) @ self.positional_encoding_gaussian_matrix)
            return torch.cat([angle.sin(), angle.cos()], dim=-1)


class PromptEncoder(nn.Module):
    def __init__(self, dim, image_size, stride, mask_channels=16):
        super().__init__()
        self.image_size = image_size
        self.grid_size = image_size // stride
        self.pe_layer = RandomPositionEncoding(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, 2, stride=2),
            LayerNorm2d(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, 2, stride=2),
            LayerNorm2d(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, dim)

    def image_position(self):
        """(1, dim, grid, grid): the encoding of the centre of each token's cell."""
        centre = (torch.arange(self.grid_size, device=self.no_mask_embed.weight.device) + 0.5) / self.grid_size
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        return self.pe_layer(torch.stack([x, y], dim=-1)).permute(2, 0, 1)[None]

    def forward(self, points, labels, masks=None):
        """points (batch, count, 2) in pixels, labels (batch, count) of -1 pad, 0, 1, 2, 3; masks (batch, 1, 4g, 4g)."""
        points = torch.cat([points + 0.5, points.new_zeros(points.shape[0], 1, 2)], dim=1)
        labels = torch.cat([labels, labels.new_full((labels.shape[0], 1), -1)], dim=1)
        kinds = torch.cat([self.not_a_point_embed.weight] + [e.weight for e in self.point_embeddings])
        position = self.pe_layer(points / self.image_size) * (labels >= 0)[..., None]
        sparse = position + kinds[labels + 1]
        if masks is None:
            dense = self.no_mask_embed.weight[:, :, None, None]
        else:
            dense = self.mask_downscaling(masks)
        return sparse, dense


class TwoWayBlock(nn.Module):
    def __init__(self, dim, num_heads, mlp_dim, is_first):
        super().__init__()
        self.is_first = is_first
        self.self_attn = Attention(dim, num_heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, num_heads, downsample_rate=2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp([dim, mlp_dim, dim])
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, num_heads, downsample_rate=2)

    def forward(self, tokens, image, token_position, image_position):
        if self.is_first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_position
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        tokens = tokens + self.cross_attn_token_to_image(tokens + token_position, image + image_position, image)
        tokens = self.norm2(tokens)
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = image + self.cross_attn_image_to_token(image + image_position, tokens + token_position, tokens)
        return tokens, self.norm4(image)


class TwoWayTransformer(nn.Module):
    def __init__(self, dim, num_heads=8, mlp_dim=2048, depth=2):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, num_heads, mlp_dim, index == 0) for index in range(depth))
        self.final_attn_token_to_image = Attention(dim, num_heads, downsample_rate=2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, image, image_position, token_position):
        image = image.flatten(2).transpose(1, 2)
        image_position = image_position.flatten(2).transpose(1, 2)
        tokens = token_position
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_position, image_position)
        tokens = tokens + self.final_attn_token_to_image(tokens + token_position, image + image_position, image)
        return self.norm_final_attn(tokens), image


def start_by_position(transformer, embeddings):
    """Starting weights with which tokens and image cells of the same place see each other before anything is learned.

    Queries and keys that start alike compare the position encodings that are in both; with independent ones a training
    from nothing first has to find out that places matter at all.
    """
    with torch.no_grad():
        for module in transformer.modules():
            if isinstance(module, Attention) and module.q_proj.out_features < module.q_proj.in_features:
                module.k_proj.weight.copy_(module.q_proj.weight.mul_(2.5))
                module.k_proj.bias.copy_(module.q_proj.bias.zero_())
        for embedding in embeddings:
            embedding.weight.mul_(0.3)


class MaskDecoder(nn.Module):
    num_masks = 4

    def __init__(self, dim, iou_sigmoid=True):
        super().__init__()
        self.transformer = TwoWayTransformer(dim)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(self.num_masks, dim)
        self.obj_score_token = nn.Embedding(1, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(dim, dim // 8, 1)
        self.conv_s1 = nn.Conv2d(dim, dim // 4, 1)
        self.output_hypernetworks_mlps = nn.ModuleList(Mlp([dim, dim, dim, dim // 8]) for _ in range(self.num_masks))
        self.iou_prediction_head = Mlp([dim, 256, 256, self.num_masks], sigmoid_output=iou_sigmoid)
        self.pred_obj_score_head = Mlp([dim, dim, dim, 1])

    def forward(self, image, image_position, sparse, dense, high_res):
        """image (batch, dim, g, g); high_res (stride 4, stride 8) features already through conv_s0 and conv_s1.

        Returns all four masks (batch, 4, 4g, 4g), their IoU estimates, mask tokens and object score logits; mask 0
        is the single output, masks 1 to 3 the candidates.
        """
        batch = sparse.shape[0]
        own = torch.cat([self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own[None].expand(batch, -1, -1), sparse.to(own.dtype)], dim=1)
        source = image + dense
        grid = source.shape[-1]
        tokens, source = self.transformer(source, image_position, tokens)
        deconv1, norm, act1, deconv2, act2 = self.output_upscaling
        x = upscale_twice(deconv1, source.unflatten(1, (grid, grid))) + high_res[1].permute(0, 2, 3, 1)
        x = act1(F.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, norm.eps))
        x = act2(upscale_twice(deconv2, x) + high_res[0].permute(0, 2, 3, 1))  # (batch, 4g, 4g, dim / 8)
        mask_tokens = tokens[:, 2 : 2 + self.num_masks]
        weights = torch.stack([mlp(mask_tokens[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1)
        masks = (weights @ x.flatten(1, 2).transpose(1, 2)).unflatten(2, x.shape[1:3])
        return masks, self.iou_prediction_head(tokens[:, 1]), mask_tokens, self.pred_obj_score_head(tokens[:, 0])
