"""Users' arrays as the bindings want them."""

import typing

import numpy as np


class TensorLike(np.ndarray):
    """An array where the official code gives a tensor, with the methods that bring one to NumPy: programs that say
    `(mask_logits > 0).cpu().numpy()` work as they are."""

    def cpu(self) -> "TensorLike":
        return self

    def detach(self) -> "TensorLike":
        return self

    def numpy(self) -> np.ndarray:
        return self.view(np.ndarray)


def is_pil_image(value: object) -> bool:
    """Without importing Pillow."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


def as_image(image: typing.Any) -> np.ndarray:
    """(height, width, 3) uint8 or float32, copied only where rows are not dense. A PIL image must be RGB."""
    if is_pil_image(image):
        if image.mode != "RGB":
            raise ValueError(f"a PIL image of mode {image.mode}; give image.convert('RGB')")
        image = np.asarray(image)
    elif not isinstance(image, np.ndarray):
        raise NotImplementedError(f"an image of type {type(image).__name__}; give a NumPy array or a PIL image")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image of the shape {image.shape}; (height, width, 3) is expected")
    if 0 in image.shape:
        raise ValueError(f"an image of the shape {image.shape} has no pixels")
    native = image.dtype.newbyteorder("=")
    if native not in (np.uint8, np.float32):
        raise TypeError(f"an image of dtype {image.dtype}; uint8 (0 to 255) or float32 (0 to 1) is expected")
    item = image.itemsize
    is_in_rows = image.strides[1:] == (3 * item, item) and image.strides[0] >= 3 * item * image.shape[1]
    if is_in_rows and image.dtype.isnative and image.flags.aligned:
        return image
    return np.array(image, dtype=native, order="C")


def as_floats(values: typing.Any, what: str) -> np.ndarray:
    """float32, dense; not NaN or infinite."""
    try:
        with np.errstate(over="ignore"):  # becomes infinite, which is said below
            array = np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} are no array of numbers: {error}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold NaN or infinite values")
    return array


def as_labels(values: typing.Any) -> np.ndarray:
    """int32, dense. Fractions are cut off, as the official code does."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise ValueError("they are complex")
        if array.dtype.kind not in "biuf":
            array = array.astype(np.int64)
        # Beyond int32 a cast would make some other label of it.
        if array.size and not (abs(array.astype(np.float64)) < 2**31).all():
            raise ValueError("one is not finite, or too large")
        return np.ascontiguousarray(array, dtype=np.int32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"labels are no array of integers: {error}") from None
