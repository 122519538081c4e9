"""The image encoder: a Hiera trunk and a feature pyramid neck."""

import torch
import torch.nn.functional as F
from torch import nn

from training.model.layers import Mlp, attend, pointwise


def partition_windows(x, size):
    """(batch, height, width, channels) -> (batch * windows, size, size, channels), zeros fill up the last windows."""
    batch, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % size, 0, -height % size))
    rows, columns = x.shape[1] // size, x.shape[2] // size
    x = x.view(batch, rows, size, columns, size, channels).transpose(2, 3)
    return x.reshape(-1, size, size, channels)


def join_windows(x, size, height, width):
    """The inverse of partition_windows: drops the padding."""
    rows, columns = -(-height // size), -(-width // size)
    x = x.view(-1, rows, columns, size, size, x.shape[-1]).transpose(2, 3)
    return x.reshape(-1, rows * size, columns * size, x.shape[-1])[:, :height, :width]


def max_pool(x):
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


class TrunkAttention(nn.Module):
    def __init__(self, dim, dim_out, num_heads, pools_query):
        super().__init__()
        self.num_heads = num_heads
        self.pools_query = pools_query
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.pools_query:
            q = max_pool(q)
        height, width = q.shape[1:3]
        q, k, v = (t.flatten(1, 2).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (q, k, v))
        x = attend(q, k, v)
        return self.proj(x.transpose(1, 2).flatten(2).unflatten(1, (height, width)))


class TrunkBlock(nn.Module):
    """A window attention block (window_size 0 is global); the first one of a stage halves the resolution."""

    def __init__(self, dim, dim_out, num_heads, window_size, pools_query):
        super().__init__()
        self.window_size = window_size
        self.pools_query = pools_query
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = TrunkAttention(dim, dim_out, num_heads, pools_query)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = Mlp([dim_out, 4 * dim_out, dim_out], F.gelu)
        if dim != dim_out:
            self.proj = nn.Linear(dim, dim_out)

    def forward(self, x):
        shortcut = x
        x = self.norm1(x)
        if hasattr(self, "proj"):
            shortcut = self.proj(x)
            if self.pools_query:
                shortcut = max_pool(shortcut)
        if self.window_size:
            x = self.attn(partition_windows(x, self.window_size))
            size = self.window_size // 2 if self.pools_query else self.window_size
            x = join_windows(x, size, shortcut.shape[1], shortcut.shape[2])
        else:
            x = self.attn(x)
        x = shortcut + x
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=7, stride=4, padding=3)

    def forward(self, x):
        return self.proj(x).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """Returns the features of each stage, (batch, channels, height, width), at strides 4, 8, 16, 32."""

    def __init__(
        self,
        embed_dim=96,
        num_heads=1,
        stages=(2, 3, 16, 3),
        window_spec=(8, 4, 14, 7),
        global_att_blocks=(12, 16, 20),
        window_pos_embed_bkg_spatial_size=(14, 14),
    ):
        super().__init__()
        self.patch_embed = PatchEmbed(embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, embed_dim, *window_pos_embed_bkg_spatial_size))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, embed_dim, window_spec[0], window_spec[0]))
        self.blocks = nn.ModuleList()
        self.stage_ends = []
        for stage, depth in enumerate(stages):
            for index in range(depth):
                starts_stage = stage > 0 and index == 0
                # The first block of a stage still has the windows of the stage before it.
                window_size = window_spec[stage - 1] if starts_stage else window_spec[stage]
                if len(self.blocks) in global_att_blocks:
                    window_size = 0
                dim = embed_dim * 2**stage
                self.blocks.append(
                    TrunkBlock(
                        dim // 2 if starts_stage else dim, dim, num_heads * 2**stage, window_size, starts_stage
                    )
                )
            self.stage_ends.append(len(self.blocks) - 1)

    def position_embedding(self, height, width):
        background = F.interpolate(self.pos_embed, size=(height, width), mode="bicubic")
        size = self.pos_embed_window.shape[-1]
        return (background + self.pos_embed_window.tile(1, 1, height // size, width // size)).permute(0, 2, 3, 1)

    def forward(self, x):
        x = self.patch_embed(x)
        # In mixed precision the residual stream stays in the patches' half precision: most of the work is its traffic.
        x = x + self.position_embedding(x.shape[1], x.shape[2]).to(x.dtype)
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                features.append(x.permute(0, 3, 1, 2))
        return features


class NeckConv(nn.Module):
    def __init__(self, dim, dim_out):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim_out, 1)

    def forward(self, x):
        return pointwise(self.conv, x)


class FpnNeck(nn.Module):
    """Brings each stage to d_model channels; the levels of top_down_levels also receive the level above them."""

    def __init__(self, d_model, channels, top_down_levels):
        super().__init__()
        self.convs = nn.ModuleList(NeckConv(dim, d_model) for dim in channels)
        self.top_down_levels = top_down_levels

    def forward(self, features):
        last = len(features) - 1
        outputs = [None] * len(features)
        above = None
        for level in range(last, -1, -1):
            x = self.convs[last - level](features[level])
            if level in self.top_down_levels and above is not None:
                x = x + F.interpolate(above, scale_factor=2.0, mode="nearest")
            outputs[level] = above = x
        return outputs


class ImageEncoder(nn.Module):
    def __init__(self, trunk, neck, scalp):
        super().__init__()
        self.trunk = trunk
        self.neck = neck
        self.scalp = scalp

    def forward(self, x):
        features = self.neck(self.trunk(x))
        return features[: len(features) - self.scalp]
