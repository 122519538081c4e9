"""samc: the SAM 2 compiler, in Python. Segments images and tracks objects on the CPU, without PyTorch.

The classes have the names, arguments, defaults, shapes and dtypes of facebookresearch/sam2, with NumPy arrays where that
has tensors. In a program for the official package only the import lines change:

    from samc.build_sam import build_sam2
    from samc.sam2_image_predictor import SAM2ImagePredictor

    predictor = SAM2ImagePredictor(build_sam2(None, "sam2.1_hiera_tiny.pt"))   # or "mini", which comes with samc
    predictor.set_image(image)                                                 # (height, width, 3) uint8, RGB
    masks, scores, logits = predictor.predict(point_coords=[[500, 375]], point_labels=[1])

docs/python.md says what differs.
"""

import importlib
import typing

# What is not used is not loaded: `import samc` takes a few milliseconds.
_HOMES = {
    "Module": "model",
    "load": "model",
    "build_sam2": "build_sam",
    "build_sam2_video_predictor": "build_sam",
    "SAM2AutomaticMaskGenerator": "automatic_mask_generator",
    "SAM2ImagePredictor": "sam2_image_predictor",
    "SAM2VideoPredictor": "sam2_video_predictor",
    "compile": "tools",
    "export": "tools",
    "inspect": "tools",
    "transform": "tools",
    "deploy": "tools",
    "run_program": "tools",
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> typing.Any:
    if name == "__version__":
        from ._samc import version

        return version()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'samc' has no attribute '{name}'")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list:
    return sorted([*globals(), *__all__])
