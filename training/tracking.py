"""Follows objects through a clip the way the official video predictor does; used in training and in scoring.

One batch entry is one object of one clip. Frame 0 is prompted and stays in memory; of the later frames the last
num_memories - 1 are remembered, and the object pointers of up to MAX_POINTERS frames.
"""

import dataclasses

import torch

from training.model.sam2 import MAX_POINTERS, NO_OBJECT_LOGIT


@dataclasses.dataclass
class Frame:
    """What the decoder said about one frame; chosen holds the logits (batch, 1, side, side) taken as the output."""

    masks: torch.Tensor
    iou: torch.Tensor
    score: torch.Tensor
    chosen: torch.Tensor


class Tracker:
    def __init__(self, model, frame_count, taught=None):
        """taught(index, frame) -> Frame: for training, replaces what is remembered of a frame."""
        self.model, self.frame_count, self.taught = model, frame_count, taught
        self.memories, self.pointers = [], []

    def remember(self, frame_features, frame, token, binarise=False):
        memory = self.model.encode_memory(frame_features[2], frame.chosen, frame.score, binarise)
        self.memories.append(memory)
        self.pointers.append(self.model.object_pointer(token, frame.score))

    def teach(self, frame):
        return self.taught(len(self.memories), frame) if self.taught else frame

    def decode(self, features, stride16, points, labels, multimask):
        masks, iou, tokens, score = self.model.decode((*features[:2], stride16), points, labels)
        each = torch.arange(len(iou), device=iou.device)
        best = iou[:, 1:].argmax(1) + 1 if multimask else torch.zeros_like(each)
        absent = torch.full_like(masks[:, :1], NO_OBJECT_LOGIT)
        chosen = torch.where(score[..., None, None] > 0, masks[each, best][:, None], absent)
        return Frame(masks, iou, score, chosen), tokens[each, best]

    def start(self, features, points, labels):
        """features as of Sam2.encode_image with an entry per object; a lone click asks for the best of three masks."""
        stride16 = self.model.without_memory(features[2])
        frame, token = self.decode(features, stride16, points, labels, multimask=points.shape[1] == 1)
        self.remember(features, self.teach(frame), token, binarise=not self.model.training)
        return frame

    def start_with_mask(self, features, mask):
        """mask (batch, 1, size, size) of zeros and ones is the first frame's output as it is."""
        batch, device = mask.shape[0], mask.device
        nowhere, nothing = torch.zeros(batch, 1, 2, device=device), torch.full((batch, 1), -1, device=device)
        masks, iou, tokens, _ = self.model.decode(features, nowhere, nothing, self.model.mask_downsample(mask))
        score = mask.flatten(1).amax(1, keepdim=True) * 20 - 10
        frame = Frame(masks, iou, score, mask * 20 - 10)
        self.remember(features, frame, tokens[:, 0])
        return frame

    def follow(self, features):
        now = len(self.memories)
        recent = range(max(1, now - self.model.num_memories + 1), now)
        tracked = [(now - index, self.memories[index]) for index in recent]
        known = [0] + list(range(now - 1, max(0, now - MAX_POINTERS), -1))
        pointers = [(now - index, self.pointers[index]) for index in known]
        stride16 = self.model.with_memory(features[2], self.memories[:1], tracked, pointers, self.frame_count)
        batch, device = stride16.shape[0], stride16.device
        nowhere, nothing = torch.zeros(batch, 1, 2, device=device), torch.full((batch, 1), -1, device=device)
        frame, token = self.decode(features, stride16, nowhere, nothing, multimask=True)
        self.remember(features, self.teach(frame), token)
        return frame


def of_objects(features, indices):
    """Picks frames (indices into the encoded batch, one for each object) from encode_image's result."""
    return [feature[indices] for feature in features]
