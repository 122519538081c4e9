"""sam2.build_sam: models by their checkpoints."""

import math
import os
import typing

from .model import Fact, Module, PathLike, check_device, load
from .sam2_video_predictor import SAM2VideoPredictor

# What the official package knows by name, and the model that each is of.
_OFFICIAL_CONFIGS = {
    f"sam{version}_hiera_{short}": f"sam{version}_hiera_{size}"
    for version in ("2", "2.1")
    for short, size in (("t", "tiny"), ("s", "small"), ("b+", "base_plus"), ("l", "large"))
}
# Keys of a predictor that are no facts of the model.
_PREDICTOR_KEYS = {
    "fill_hole_area": int,
    "non_overlap_masks": bool,
    "clear_non_cond_mem_around_input": bool,
    "add_all_frames_to_correct_as_cond": bool,
}
# What apply_postprocessing=False switches off.
_WITHOUT_FALLBACK = "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=false"
_MEMORY_AS_LOGITS = "++model.binarize_mask_from_pts_for_mem_enc=false"


def _value_of(text: str) -> Fact:
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    for kind in (int, float):
        try:
            value = kind(lowered)
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    raise ValueError(f"'{text}' is neither a number nor true or false")


def parse_overrides(overrides: typing.Iterable[str]) -> typing.Dict[str, Fact]:
    """{"fill_hole_area": 8} of ["++model.fill_hole_area=8"]. What has no meaning here raises ValueError."""
    facts: typing.Dict[str, Fact] = {}
    if isinstance(overrides, str) or not isinstance(overrides, typing.Iterable):
        raise TypeError(f"hydra_overrides_extra is {overrides!r}; give a list of ++model.KEY=VALUE")
    for override in overrides:
        key, equals, text = str(override).partition("=")
        key = key.strip()
        if not equals or not key.lstrip("+").startswith("model."):
            raise ValueError(f"hydra_overrides_extra: '{override}' is not of the form ++model.KEY=VALUE")
        key = key.lstrip("+")[len("model.") :]
        if key == "_target_" or key.startswith("compile_"):
            raise ValueError(f"hydra_overrides_extra: '{override}' has no meaning in samc")
        try:
            facts[key] = _value_of(text)
        except ValueError as error:
            raise ValueError(f"hydra_overrides_extra: '{override}': {error}") from None
    return facts


def _build(
    config_file: typing.Optional[PathLike],
    ckpt_path: typing.Optional[PathLike],
    device: object,
    mode: str,
    usual: typing.List[str],
    overrides: typing.Iterable[str],
    kwargs: typing.Dict[str, typing.Any],
) -> typing.Tuple[Module, typing.Dict[str, typing.Any]]:
    """The model, and what the overrides say of the predictor. Those of the user win over the usual ones."""
    check_device(device)
    if mode != "eval":
        raise ValueError(f"mode '{mode}': samc runs models and does not train them; give mode='eval'")
    if ckpt_path is None:
        raise ValueError("no ckpt_path: samc needs weights; give a checkpoint, a .samc module, or 'mini'")
    config, expected = None, None
    if config_file is not None:
        config_file = os.fspath(config_file)
        stem = os.path.basename(config_file)
        stem = stem[: -len(".yaml")] if stem.endswith(".yaml") else stem
        if os.path.exists(config_file):
            config = config_file
        elif stem in _OFFICIAL_CONFIGS:
            expected = _OFFICIAL_CONFIGS[stem]
        else:
            raise FileNotFoundError(
                f"config_file '{config_file}': no such file, and no official config; give None to have the model "
                "recognised by its weights"
            )
    facts = {**parse_overrides(usual), **parse_overrides(overrides)}
    image_size = typing.cast(typing.Optional[int], facts.pop("image_size", None))
    options = {key: kind(facts.pop(key)) for key, kind in _PREDICTOR_KEYS.items() if key in facts}
    module = load(ckpt_path, config=config, image_size=image_size, threads=kwargs.get("threads", 0))
    if expected is not None and module.name != expected and module.name in _OFFICIAL_CONFIGS.values():
        raise RuntimeError(f"{os.fspath(ckpt_path)} is {module.name}, and config_file is that of {expected}")
    return module.with_facts(facts), options


def build_sam2(
    config_file: typing.Optional[PathLike],
    ckpt_path: typing.Optional[PathLike] = None,
    device: object = "cpu",
    mode: str = "eval",
    hydra_overrides_extra: typing.Sequence[str] = [],
    apply_postprocessing: bool = True,
    **kwargs: typing.Any,
) -> Module:
    """A model for SAM2ImagePredictor and SAM2AutomaticMaskGenerator.

    Arguments:
      config_file: a YAML file, the name of an official one ("configs/sam2.1/sam2.1_hiera_t.yaml"), or None: the model
        is recognised by its weights.
      ckpt_path: a checkpoint (.pt, .safetensors), a folder of transformers' or of an ONNX export, a compiled module
        (.samc), or "mini".
      device: "cpu". Anything else raises ValueError.
      mode: "eval".
      hydra_overrides_extra: "++model.KEY=VALUE", for the keys that docs/python.md lists.
      apply_postprocessing: fall back to the best of three masks where the single one is not stable.
      threads: to compute with; 0: one for each core. (samc's own.)
    """
    usual = [] if apply_postprocessing else [_WITHOUT_FALLBACK]
    # What is of a video predictor the official code takes and ignores here as well.
    return _build(config_file, ckpt_path, device, mode, usual, hydra_overrides_extra, kwargs)[0]


def build_sam2_video_predictor(
    config_file: typing.Optional[PathLike],
    ckpt_path: typing.Optional[PathLike] = None,
    device: object = "cpu",
    mode: str = "eval",
    hydra_overrides_extra: typing.Sequence[str] = [],
    apply_postprocessing: bool = True,
    vos_optimized: bool = False,
    **kwargs: typing.Any,
) -> SAM2VideoPredictor:
    """A SAM2VideoPredictor. Arguments as those of build_sam2().

    apply_postprocessing also fills holes of up to 8 pixels in low-res masks, which the official code does with its CUDA
    extension only, and remembers prompted masks as they are shown. vos_optimized changes nothing: samc always compiles.
    """
    del vos_optimized
    usual = ["++model.fill_hole_area=8"] if apply_postprocessing else [_WITHOUT_FALLBACK, _MEMORY_AS_LOGITS]
    module, options = _build(config_file, ckpt_path, device, mode, usual, hydra_overrides_extra, kwargs)
    return SAM2VideoPredictor(module, **options)


def build_sam2_hf(model_id: PathLike, **kwargs: typing.Any) -> Module:
    """As build_sam2(), of a path: samc downloads nothing."""
    return build_sam2(None, _local_model(model_id), **kwargs)


def build_sam2_video_predictor_hf(model_id: PathLike, **kwargs: typing.Any) -> SAM2VideoPredictor:
    """As build_sam2_video_predictor(), of a path: samc downloads nothing."""
    return build_sam2_video_predictor(None, _local_model(model_id), **kwargs)


def _local_model(model_id: PathLike) -> PathLike:
    """The path that from_pretrained() is given; a name on the Hugging Face hub raises FileNotFoundError."""
    if os.fspath(model_id) != "mini" and not os.path.exists(model_id):
        raise FileNotFoundError(
            f"no file '{os.fspath(model_id)}': samc downloads nothing; give the path of a checkpoint"
        )
    return model_id
