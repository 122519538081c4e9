"""A dense auxiliary task for the encoder while it is young; the head is dropped when the model is exported.

A prompted mask says little about a picture and only to those features that the decoder already looks at. So each cell
of the stride-4 grid also has to say whether it shows an object, where that object's box ends, and, as an embedding,
which other cells show the same object. The last is what a click asks for, without a decoder in between.
"""

import torch
import torch.nn.functional as F
from torch import nn

from training.model.layers import pointwise

EMBEDDING = 24
OUTPUTS = EMBEDDING + 5
QUERIES = 32


class DenseHead(nn.Module):
    """A linear map of each neck level to the stride-4 grid; the levels are summed."""

    def __init__(self, dim):
        super().__init__()
        self.levels = nn.ModuleList(nn.Conv2d(dim, OUTPUTS * 4**level, 1) for level in range(3))
        self.margin = nn.Parameter(torch.tensor(2.0))

    def forward(self, features):
        """features of strides 4, 8, 16 -> (batch, OUTPUTS, grid, grid)."""
        outputs = [pointwise(conv, feature) for conv, feature in zip(self.levels, features)]
        return sum(F.pixel_shuffle(output, 2**level).float() for level, output in enumerate(outputs))


def balanced_cross_entropy(logits, target):
    """Cross entropy over the last dimension in which object and rest weigh the same: "no" everywhere gains nothing."""
    share = target.mean(-1, keepdim=True).clamp(0.01, 0.99)
    weight = target / share + (1 - target) / (1 - share)
    return 0.5 * (weight * F.binary_cross_entropy_with_logits(logits, target, reduction="none")).mean(-1)


def dense_loss(head, features, ids, boxes):
    """ids (batch, grid, grid): what each cell shows, 0 is background; boxes (batch, grid, grid, 4): that object's box.

    Boxes are (left, top, right, bottom) relative to the cell, in shares of the picture.
    """
    output = head(features).flatten(2)  # (batch, OUTPUTS, cells)
    ids, boxes = ids.flatten(1), boxes.flatten(1, 2)
    shown = (ids > 0).float()
    foreground = F.binary_cross_entropy_with_logits(output[:, 0], shown)
    sides = F.smooth_l1_loss(output[:, 1:5], boxes.transpose(1, 2), beta=0.05, reduction="none").mean(1)
    sides = (sides * shown).sum() / shown.sum().clamp(min=1)
    embedding = output[:, 5:]
    # Objects are drawn as often as each other, whatever their size.
    counts = torch.zeros(len(ids), 33, device=ids.device).scatter_add_(1, ids, torch.ones_like(shown))
    spots = torch.multinomial(shown / counts.gather(1, ids).clamp(min=1) + 1e-9, QUERIES, replacement=True)
    asked = embedding.gather(2, spots[:, None].expand(-1, EMBEDDING, -1)).transpose(1, 2)
    squares = asked.square().sum(-1)[:, :, None] + embedding.square().sum(1)[:, None]
    logits = head.margin - (squares - 2 * asked @ embedding)
    same = (ids.gather(1, spots)[:, :, None] == ids[:, None]).float()
    valid = (ids.gather(1, spots) > 0).float()
    grouping = balanced_cross_entropy(logits, same)
    grouping = (grouping * valid).sum() / valid.sum().clamp(min=1)
    with torch.no_grad():
        hit = logits > 0
        union = (hit | (same > 0)).sum(-1).clamp(min=1)
        iou = ((hit & (same > 0)).sum(-1) / union * valid).sum() / valid.sum().clamp(min=1)
    return foreground + 4 * sides + 2 * grouping, float(iou)
