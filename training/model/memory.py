"""The memory encoder and the memory attention of the tracker."""

import torch
import torch.nn.functional as F
from torch import nn

from training.model.layers import LayerNorm2d, RopeAttention


class MaskDownsampler(nn.Module):
    """Four convolutions of stride 2 bring a mask of the image's size to the grid of the memory."""

    def __init__(self, dim, num_layers=4):
        super().__init__()
        layers = []
        for index in range(num_layers):
            layers += [
                nn.Conv2d(4**index, 4 ** (index + 1), 3, stride=2, padding=1),
                LayerNorm2d(4 ** (index + 1)),
                nn.GELU(),
            ]
        layers.append(nn.Conv2d(4**num_layers, dim, 1))
        self.encoder = nn.Sequential(*layers)

    def forward(self, x):
        return self.encoder(x)


class FuserBlock(nn.Module):
    def __init__(self, dim, kernel_size=7, scale_init=1e-6):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), scale_init))

    def forward(self, x):
        y = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    def __init__(self, dim, num_layers, scale_init):
        super().__init__()
        self.layers = nn.ModuleList(FuserBlock(dim, scale_init=scale_init) for _ in range(num_layers))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    def __init__(self, dim, out_dim, num_layers, scale_init):
        super().__init__()
        self.mask_downsampler = MaskDownsampler(dim)
        self.pix_feat_proj = nn.Conv2d(dim, dim, 1)
        self.fuser = Fuser(dim, num_layers, scale_init)
        self.out_proj = nn.Conv2d(dim, out_dim, 1)

    def forward(self, features, mask):
        """features (batch, dim, g, g), mask (batch, 1, 16g, 16g) already scaled; returns (batch, out_dim, g, g)."""
        return self.out_proj(self.fuser(self.pix_feat_proj(features) + self.mask_downsampler(mask)))


class MemoryAttentionLayer(nn.Module):
    def __init__(self, dim, memory_dim, feedforward_dim, num_heads, theta, dropout):
        super().__init__()
        self.self_attn = RopeAttention(dim, num_heads, theta=theta)
        self.cross_attn_image = RopeAttention(dim, num_heads, kv_dim=memory_dim, theta=theta)
        self.linear1 = nn.Linear(dim, feedforward_dim)
        self.linear2 = nn.Linear(feedforward_dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory, memory_position, num_pointer_tokens):
        y = self.norm1(x)
        x = x + self.dropout(self.self_attn(y, y, y))
        y = self.norm2(x)
        x = x + self.dropout(self.cross_attn_image(y, memory + memory_position, memory, num_pointer_tokens))
        y = self.norm3(x)
        return x + self.dropout(self.linear2(self.dropout(F.relu(self.linear1(y)))))


class MemoryAttention(nn.Module):
    def __init__(self, num_layers, dim, memory_dim, feedforward_dim, num_heads, theta, dropout):
        super().__init__()
        self.layers = nn.ModuleList(
            MemoryAttentionLayer(dim, memory_dim, feedforward_dim, num_heads, theta, dropout)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, features, position, memory, memory_position, num_pointer_tokens):
        """features and position (batch, tokens, dim), memory (batch, memory tokens, memory_dim), pointers last."""
        x = features + 0.1 * position
        for layer in self.layers:
            x = layer(x, memory, memory_position, num_pointer_tokens)
        return self.norm(x)
