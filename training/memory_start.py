"""Starting weights for the memory part that make sense to a mask decoder which has only seen pictures so far.

From random weights memory attention hands the decoder features of another scale, and each token sees the mean of the
whole past, which says nothing about where the object was. Here it starts as what a picture without a memory gives,
plus a little of what the memories hold about the same place; the training goes on from there.
"""

import torch

RESIDUAL_SCALE = 0.2  # of what attention adds to the features at first
PLACE_LOGIT = 14.0  # attention's logit for the same place over that for a place with nothing in common, before scaling
FUSER_SCALE = 0.1  # of each fuser block; the official start of 1e-6 takes a long training to wake up


@torch.no_grad()
def start_memory(model, stride16):
    """stride16 (pictures, dim, g, g): features of some pictures, whose scale the memory part shall keep."""
    attention = model.memory_attention
    for layer in attention.layers:
        for added in (layer.self_attn.out_proj, layer.cross_attn_image.out_proj, layer.linear2):
            added.weight.mul_(RESIDUAL_SCALE)
            added.bias.zero_()
        # Rotary attention multiplies by cos(place difference * frequency) where all queries and keys share a constant.
        cross = layer.cross_attn_image
        for projection in (cross.q_proj, cross.k_proj):
            projection.bias.zero_()
            projection.bias[0::2] = PLACE_LOGIT**0.5
    for block in model.memory_encoder.fuser.layers:
        block.gamma.fill_(FUSER_SCALE)
    # The last norm gives each channel back the scale that it has in features without a memory.
    features = stride16.float().permute(0, 2, 3, 1).flatten(0, 2)  # (tokens, dim)
    normed = (features - features.mean(1, keepdim=True)) / features.std(1, keepdim=True, unbiased=False)
    wanted = features + model.no_mem_embed.view(1, -1)
    spread = normed - normed.mean(0)
    slope = (spread * (wanted - wanted.mean(0))).mean(0) / spread.square().mean(0)
    attention.norm.weight.copy_(slope)
    attention.norm.bias.copy_(wanted.mean(0) - slope * normed.mean(0))
