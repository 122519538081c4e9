"""Users' arrays as the bindings want them."""

import typing

import numpy as np

_LONGEST_SIDE, _MOST_PIXELS = 65_535, 178_956_970  # base/limits.h


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
    height, width = image.shape[:2]
    if max(height, width) > _LONGEST_SIDE or height * width > _MOST_PIXELS:  # as C++ says of those that are not copied
        raise ValueError(
            f"the image has {width} x {height} pixels, more than the limits of {_LONGEST_SIDE} on a side and "
            f"{_MOST_PIXELS} in all; make it smaller first"
        )
    return np.array(image, dtype=native, order="C")


def as_numbers(values: typing.Any, what: str, dtype: typing.Any) -> np.ndarray:
    """Dense. Text, dates and complex numbers, which NumPy would turn into some number, raise ValueError."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise ValueError(f"they are of dtype {array.dtype}")
        with np.errstate(over="ignore"):  # becomes infinite, which who calls looks at
            return np.ascontiguousarray(array, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what}: no array of numbers: {error}") from None


def as_floats(values: typing.Any, what: str) -> np.ndarray:
    """float32, dense; not NaN or infinite."""
    array = as_numbers(values, what, np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: NaN or infinite values; give finite ones")
    return array


def as_labels(values: typing.Any) -> np.ndarray:
    """int32, dense. Fractions are cut off, as the official code does."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":
            raise ValueError(f"they are of dtype {array.dtype}")
        if array.dtype.kind == "O":
            array = array.astype(np.int64)
        # Beyond int32 a cast would make some other label of it.
        if array.size and not (abs(array.astype(np.float64)) < 2**31).all():
            raise ValueError("one is not finite, or too large")
        return np.ascontiguousarray(array, dtype=np.int32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"labels are no array of integers: {error}") from None
