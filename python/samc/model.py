"""Compiled models."""

import math
import operator
import os
import pathlib
import typing

from . import _samc

PathLike = typing.Union[str, os.PathLike[str]]
Fact = typing.Union[bool, int, float]


def as_path(path: PathLike) -> str:
    """As C++ takes it: text without NUL, which would end it there, and as UTF-8."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path must be a str, not {type(text).__name__}")
    if not text or "\0" in text:
        raise ValueError(f"the path {text!r} names no file")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the path {text!r} is not UTF-8; rename the file") from None
    return text


def optional_path(path: typing.Optional[PathLike]) -> typing.Optional[str]:
    return None if path is None else as_path(path)


def as_size(value: typing.Any, what: str) -> int:
    """An integer that C++ takes: of a greater one the bindings would say, in many lines, that no function fits."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is {value!r}; give an integer") from None
    if abs(number) >= 2**63:
        raise ValueError(f"{what} is out of its range: more than 64 bits")
    return number


def as_number(value: typing.Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is {value!r}; give a number") from None
    if math.isnan(number):
        raise ValueError(f"{what} is NaN; give a number")
    return number


def optional_size(image_size: typing.Optional[int]) -> typing.Optional[int]:
    return None if image_size is None else as_size(image_size, "image_size")


def as_precision(precision: typing.Optional[str]) -> typing.Optional[str]:
    if precision is not None and not isinstance(precision, str):
        raise TypeError(f"precision is {precision!r}; give 'f32', 'bf16' or 'int8'")
    return precision


class Device(str):
    """What `.device` gives: "cpu", with the `type` that torch.device has."""

    @property
    def type(self) -> str:
        return str(self)


CPU = Device("cpu")


def check_device(device: object) -> Device:
    """`device` as the only one that there is. A torch.device is as good as its name."""
    name = str(device)
    if name != "cpu" and not name.startswith("cpu:"):
        raise ValueError(f"device '{name}': samc computes on the CPU; give device='cpu'")
    return CPU


def model_path(model: PathLike) -> str:
    """The path as text; of "mini", where no file is called so, that of the model that comes with samc."""
    path = as_path(model)
    if path == "mini" and not os.path.exists(path):
        return str(pathlib.Path(__file__).parent / "share" / "samc" / "models" / "mini" / "mini.pt")
    return path


def as_module(model: object) -> "Module":
    if not isinstance(model, Module):
        raise TypeError(f"a model of type {type(model).__name__}; build_sam2() and samc.load() give one")
    return model


def threads_of(model: "Module", kwargs: typing.Mapping[str, typing.Any]) -> int:
    """samc's own argument of the official classes."""
    return check_threads(kwargs.get("threads", model._threads))


def check_threads(threads: typing.Any) -> int:
    number = as_size(threads, "threads")
    if not 0 <= number <= 1024:
        raise ValueError(f"{threads} threads; 1 to 1024, or 0: one for each core")
    return number


class Module:
    """A compiled model. Immutable: any number of predictors and threads may share one.

    It stands where the official code has the nn.Module that build_sam2() gives.
    """

    def __init__(self, handle: _samc.Module, threads: int = 0) -> None:
        if not isinstance(handle, _samc.Module):
            raise TypeError("samc.load() and build_sam2() make a Module")
        self._handle = handle
        self._threads = threads

    @property
    def name(self) -> str:
        """Of the model: "sam2.1_hiera_tiny"."""
        return self._handle.name

    @property
    def image_size(self) -> int:
        """The side of the square that images are stretched to, pixels: 1024 for SAM 2."""
        return self._handle.image_size

    @property
    def mask_threshold(self) -> float:
        return self._handle.mask_threshold

    @property
    def precision(self) -> str:
        """What it computes in: "f32", "bf16" or "int8"."""
        return self._handle.precision

    @property
    def has_video(self) -> bool:
        """Whether SAM2VideoPredictor can use it: models from checkpoints, not those from ONNX exports."""
        return self._handle.has_video

    @property
    def functions(self) -> typing.List[str]:
        """The names of its compiled functions."""
        return self._handle.functions

    @property
    def notes(self) -> typing.Dict[str, typing.List[str]]:
        """What the compiler kept: its precision, warnings."""
        notes: typing.Dict[str, typing.List[str]] = {}
        for key, text in self._handle.notes:
            notes.setdefault(key, []).append(text)
        return notes

    @property
    def device(self) -> Device:
        return CPU

    def with_facts(self, facts: typing.Mapping[str, Fact]) -> "Module":
        """The same model, where a predictor takes these facts of its YAML otherwise. Weights are shared."""
        return Module(self._handle.with_facts(dict(facts)), self._threads) if facts else self

    # What programs for the official nn.Module say.
    def eval(self) -> "Module":
        return self

    def to(self, device: object) -> "Module":
        check_device(device)
        return self

    def cpu(self) -> "Module":
        return self

    def cuda(self, device: object = None) -> "Module":
        check_device("cuda")
        return self

    def __repr__(self) -> str:
        return f"<samc.Module {self.name}, {self.image_size} x {self.image_size}>"


def load(
    model: PathLike,
    config: typing.Optional[PathLike] = None,
    image_size: typing.Optional[int] = None,
    precision: typing.Optional[str] = None,
    threads: int = 0,
    cache: bool = True,
) -> Module:
    """Opens a model, compiling it where that is needed.

    Arguments:
      model: a checkpoint (.pt, .safetensors), a folder of transformers', one with encoder.onnx and decoder.onnx, a
        compiled module (.samc), or "mini".
      config: of a checkpoint: official-format YAML. None: MODEL.yaml beside it, or recognised by the tensors.
      image_size: of a checkpoint: the side of the square that images are stretched to. None: the config's.
      precision: "f32", "int8", or "bf16" for processors that have it: what to compile for, and of a .samc what it must
        have been compiled for. None: "f32", or what the .samc was compiled for.
      threads: to compute with, in what is made of this model; 0: one for each core that the process may use.
      cache: keep what was compiled in ~/.cache/samc, so that the next time takes milliseconds.

    Raises OSError, ValueError, NotImplementedError, MemoryError, each with one line. Where the system has no memory
    left for the compiler itself the process ends: samc.compile() in a process of its own avoids that.
    """
    threads = check_threads(threads)
    handle = _samc.load(
        model_path(model), optional_path(config), optional_size(image_size), as_precision(precision), bool(cache), threads
    )
    return Module(handle, threads)
