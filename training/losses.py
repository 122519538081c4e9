"""The losses of SAM 2 on one decoder output: focal and dice on the masks, L1 on the IoU estimates, object score."""

import torch
import torch.nn.functional as F

FOCAL_WEIGHT = 20.0
DICE_WEIGHT = 1.0
BALANCED_WEIGHT = 1.5
IOU_WEIGHT = 1.0
OBJECT_WEIGHT = 1.0


def mask_losses(logits, target, youth=0.0):
    """logits (objects, masks, side, side), target (objects, 1, side, side) in [0, 1] -> a loss (objects, masks).

    It is focal + dice; youth (1 to 0) is the share of a cross entropy in which object and rest weigh the same instead
    of focal. From random weights focal first learns to say no everywhere and stays there for long; with the balanced
    one that gains nothing.
    """
    target = target.expand_as(logits)
    probability = logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    pixels = 0
    if youth > 0:
        share = target.mean((2, 3), keepdim=True).clamp(0.01, 0.99)
        weight = 0.5 * target / share + 0.5 * (1 - target) / (1 - share)
        pixels = youth * BALANCED_WEIGHT * (weight * cross_entropy).flatten(2).mean(-1)
    if youth < 1:
        miss = probability + target - 2 * probability * target
        focal = (0.25 * target + 0.75 * (1 - target)) * miss.square() * cross_entropy
        pixels = pixels + (1 - youth) * FOCAL_WEIGHT * focal.flatten(2).mean(-1)
    overlap = 2 * (probability * target).flatten(2).sum(-1) + 1
    dice = 1 - overlap / (probability.flatten(2).sum(-1) + target.flatten(2).sum(-1) + 1)
    return pixels + DICE_WEIGHT * dice


def true_iou(logits, target):
    """The IoU (objects, masks) of the thresholded masks."""
    own, target = logits > 0, (target > 0.5).expand_as(logits)
    union = (own | target).flatten(2).sum(-1)
    return (own & target).flatten(2).sum(-1) / union.clamp(min=1)


def decoder_loss(logits, iou_estimate, object_score, target, present=None, youth=0.0):
    """The loss of one round: mask 0 alone, and the best of masks 1 to 3.

    Of mask 0 and the three candidates each is trained for every prompt, so that both ways of asking work. Objects that
    are absent (present false) teach only the object score. Returns the loss and figures for the log.
    """
    present = torch.ones(len(logits), device=logits.device) if present is None else present.float()
    count = present.sum().clamp(min=1)
    logits, iou_estimate = logits.float(), iou_estimate.float()
    mask_loss = mask_losses(logits, target, youth)
    best = mask_loss[:, 1:].argmin(dim=1, keepdim=True) + 1
    mask_loss = mask_loss[:, 0] + mask_loss.gather(1, best)[:, 0]
    with torch.no_grad():
        iou = true_iou(logits, target)
    iou_loss = (iou_estimate - iou).abs().mean(dim=1)
    object_loss = F.binary_cross_entropy_with_logits(object_score[:, 0].float(), present)
    loss = ((mask_loss + IOU_WEIGHT * iou_loss) * present).sum() / count + OBJECT_WEIGHT * object_loss
    chosen = iou.gather(1, iou_estimate[:, 1:].argmax(dim=1, keepdim=True) + 1)[:, 0]
    figures = {
        "iou_single": (iou[:, 0] * present).sum() / count,
        "iou_chosen": (chosen * present).sum() / count,
        "iou_best": (iou.gather(1, best)[:, 0] * present).sum() / count,
    }
    return loss, {key: float(value.detach()) for key, value in figures.items()}
