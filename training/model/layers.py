"""Small layers and position encodings that several parts share."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def pointwise(conv, x):
    """A 1x1 convolution as a matrix product over (batch, channels, height, width) that lies channels last in memory."""
    return F.linear(x.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias).permute(0, 3, 1, 2)


def upscale_twice(conv, x):
    """A transposed convolution of kernel 2 and stride 2 on (batch, height, width, channels), as a matrix product."""
    channels = conv.weight.shape[1]
    x = F.linear(x, conv.weight.permute(2, 3, 1, 0).flatten(0, 2), conv.bias.repeat(4))
    x = x.unflatten(-1, (2, 2, channels)).transpose(2, 3)
    return x.reshape(x.shape[0], 2 * x.shape[1], -1, channels)


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of a (batch, channels, height, width) tensor."""

    def __init__(self, channels, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Mlp(nn.Module):
    """Linear layers with an activation between them."""

    def __init__(self, dims, activation=F.relu, sigmoid_output=False):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(dims[:-1], dims[1:]))
        self.activation = activation
        self.sigmoid_output = sigmoid_output

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        x = self.layers[-1](x)
        return torch.sigmoid(x) if self.sigmoid_output else x


def attend(q, k, v):
    """Attention of (batch, heads, tokens, dim). On a CPU the plain formula is faster, backwards above all."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v)
    return ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v


class Attention(nn.Module):
    """Attention whose inner width may be smaller than the model's."""

    def __init__(self, dim, num_heads, downsample_rate=1, kv_dim=None):
        super().__init__()
        inner = dim // downsample_rate
        self.num_heads = num_heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(kv_dim or dim, inner)
        self.v_proj = nn.Linear(kv_dim or dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def split_heads(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, q, k, v):
        q, k, v = self.split_heads(self.q_proj(q)), self.split_heads(self.k_proj(k)), self.split_heads(self.v_proj(v))
        x = attend(q, k, v)
        return self.out_proj(x.transpose(1, 2).flatten(2))


def axial_rope_angles(head_dim, side, theta, device):
    """Rotation angles (side * side, head_dim / 2): the first half of the pairs turns with x, the second with y."""
    frequencies = theta ** (-torch.arange(0, head_dim, 4, device=device)[: head_dim // 4].float() / head_dim)
    position = torch.arange(side * side, device=device)
    x, y = (position % side).float(), (position // side).float()
    return torch.cat([torch.outer(x, frequencies), torch.outer(y, frequencies)], dim=-1)


def rotate_pairs(x, angles):
    """Turns each pair of neighbouring channels of x (..., tokens, head_dim) by its angle (tokens, head_dim / 2)."""
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)


class RopeAttention(Attention):
    """Attention with axial rotary position encoding; the last num_plain_keys keys are not rotated."""

    def __init__(self, dim, num_heads, downsample_rate=1, kv_dim=None, theta=10000.0):
        super().__init__(dim, num_heads, downsample_rate, kv_dim)
        self.theta = theta

    def forward(self, q, k, v, num_plain_keys=0):
        q, k, v = self.split_heads(self.q_proj(q)), self.split_heads(self.k_proj(k)), self.split_heads(self.v_proj(v))
        side = math.isqrt(q.shape[-2])
        angles = axial_rope_angles(q.shape[-1], side, self.theta, q.device)
        num_rotated = k.shape[-2] - num_plain_keys
        rotated = rotate_pairs(k[..., :num_rotated, :], angles.repeat(num_rotated // q.shape[-2], 1))
        k = torch.cat([rotated, k[..., num_rotated:, :]], dim=-2)
        x = attend(rotate_pairs(q, angles), k, v)
        return self.out_proj(x.transpose(1, 2).flatten(2))


def sine_position_grid(channels, height, width, device, temperature=10000.0):
    """Sine position encoding (channels, height, width), y channels first, positions scaled to 2 pi."""
    half = channels // 2
    index = torch.arange(half, dtype=torch.float32, device=device)
    wavelength = temperature ** (2 * (index // 2) / half)

    def encode(count):
        position = torch.arange(1, count + 1, dtype=torch.float32, device=device)
        angle = (position / (count + 1e-6) * 2 * math.pi)[:, None] / wavelength
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], dim=-1).flatten(1)

    y, x = encode(height), encode(width)
    grid = torch.cat([y[:, None].expand(-1, width, -1), x[None].expand(height, -1, -1)], dim=-1)
    return grid.permute(2, 0, 1)


def sine_position_1d(position, channels, temperature=10000.0):
    """Sine position encoding (positions, channels) of scalars."""
    half = channels // 2
    index = torch.arange(half, dtype=torch.float32, device=position.device)
    angle = position[:, None] / temperature ** (2 * (index // 2) / half)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
