"""Writes names.json: what the tensors of the official state_dict are called by Hugging Face's transformers.

    pip install torch transformers
    python tests/data/transformers/make_names.py CONVERT.py

CONVERT.py is src/transformers/models/sam2_video/convert_sam2_video_to_hf.py of transformers' repository, which its
package leaves out. Its replace_keys() renames pico's and sam2.1_hiera_large's state_dict; transformers' Sam2VideoModel
and Sam2Model of the same architecture must have exactly these names and shapes. It also writes pico_config.json,
what save_pretrained() says of pico, and large_config.json.
"""

import importlib.util
import json
import pathlib
import sys
import tempfile

import torch
from transformers import (
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2PromptEncoderConfig,
    Sam2VideoConfig,
    Sam2VideoMaskDecoderConfig,
    Sam2VideoModel,
    Sam2VideoPromptEncoderConfig,
    Sam2VisionConfig,
)

HERE = pathlib.Path(__file__).parent
STATE_DICTS = HERE.parent / "state_dicts"


def pico_vision():
    trunk = Sam2HieraDetConfig(
        hidden_size=32,
        num_attention_heads=1,
        image_size=[256, 256],
        blocks_per_stage=[1, 1, 3, 1],
        embed_dim_per_stage=[32, 64, 128, 256],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        global_attention_blocks=[3],
    )
    return Sam2VisionConfig(
        backbone_config=trunk,
        backbone_channel_list=[256, 128, 64, 32],
        backbone_feature_sizes=[[64, 64], [32, 32], [16, 16]],
        fpn_hidden_size=64,
    )


def pico_config():
    return Sam2VideoConfig(
        vision_config=pico_vision(),
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(hidden_size=64, image_size=256),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(hidden_size=64),
        image_size=256,
        memory_attention_hidden_size=64,
        memory_attention_feed_forward_hidden_size=256,
        memory_attention_rope_feat_sizes=[16, 16],
        memory_encoder_hidden_size=64,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=64,
        memory_fuser_embed_dim=64,
        memory_fuser_intermediate_dim=256,
    )


def pico_image_config():
    return Sam2Config(
        vision_config=pico_vision(),
        prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=64, image_size=256),
        mask_decoder_config=Sam2MaskDecoderConfig(hidden_size=64),
    )


def large_config():
    trunk = Sam2HieraDetConfig(
        hidden_size=144,
        num_attention_heads=2,
        embed_dim_per_stage=[144, 288, 576, 1152],
        num_attention_heads_per_stage=[2, 4, 8, 16],
        blocks_per_stage=[2, 6, 36, 4],
        global_attention_blocks=[23, 33, 43],
        window_positional_embedding_background_size=[7, 7],
        window_size_per_stage=[8, 4, 16, 8],
    )
    vision = Sam2VisionConfig(backbone_config=trunk, backbone_channel_list=[1152, 576, 288, 144])
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(),
    )


def names_of(model_class, config):
    """-> {name: shape} of what a model of this config has."""
    with torch.device("meta"):
        model = model_class(config)
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def renamed(convert, shapes):
    """-> {their name: [official names]}; several are rows of one tensor."""
    numbered = {name: torch.full([4], float(i)) for i, name in enumerate(shapes)}
    official = list(shapes)
    return {
        name: [official[int(i)] for i in dict.fromkeys(tensor.tolist())]
        for name, tensor in convert.replace_keys(numbered, None).items()
    }


def check(names, shapes, theirs):
    """Every name is theirs, with the shape that follows; they have no other. (In their code memories have 64 channels
    where they are attended to, whatever the config says; pico's have 16.)"""
    assert set(names) == set(theirs), set(names) ^ set(theirs)
    for name, official in names.items():
        if shapes["maskmem_tpos_enc"][-1] != 64 and "cross_attn_image" in name:
            continue
        shape = shapes[official[0]] if len(official) == 1 else [len(official), *shapes[official[0]][1:]]
        assert shape == theirs[name], (name, shape, theirs[name])


def write_config(model_config, file):
    with tempfile.TemporaryDirectory() as folder:
        model_config.save_pretrained(folder)
        (HERE / file).write_text((pathlib.Path(folder) / "config.json").read_text())


def main():
    spec = importlib.util.spec_from_file_location("convert", sys.argv[1])
    convert = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(convert)
    together = {}
    for model, config in [("pico", pico_config()), ("sam2.1_hiera_large", large_config())]:
        shapes = json.loads((STATE_DICTS / f"{model}.json").read_text())
        names = renamed(convert, shapes)
        check(names, shapes, names_of(Sam2VideoModel, config))
        together |= names
    image = names_of(Sam2Model, pico_image_config())
    assert set(image) <= set(together), set(image) - set(together)
    lines = [f"  {json.dumps(name)}: {json.dumps(official)}" for name, official in together.items()]
    (HERE / "names.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    (HERE / "image_names.json").write_text(json.dumps(sorted(image), indent=0) + "\n")
    write_config(pico_config(), "pico_config.json")
    write_config(pico_image_config(), "pico_image_config.json")
    write_config(large_config(), "large_config.json")


if __name__ == "__main__":
    main()
