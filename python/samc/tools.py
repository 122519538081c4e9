"""samc's own: compiling, exporting, looking into files, and what goes to Sophgo's chips."""

import os
import pathlib
import subprocess
import typing
import warnings

from . import _samc
from .model import PathLike, as_path, as_precision, as_size, model_path, optional_path, optional_size


def compile(
    model: PathLike,
    output: PathLike,
    config: typing.Optional[PathLike] = None,
    image_size: typing.Optional[int] = None,
    precision: str = "f32",
) -> None:
    """Compiles what samc.load() takes to a .samc file, as `samc compile` does: about a second. image_size: pixels, of the
    side of the square that images are stretched to. precision: "f32", "int8", or "bf16" for processors that have it. What
    is to be said of the model is said by warnings.warn()."""
    said = _samc.compile(model_path(model), as_path(output), optional_path(config), optional_size(image_size), as_precision(precision))
    for line in said:
        warnings.warn(f"{os.fspath(model)}: {line}", stacklevel=2)


def export(
    model: PathLike,
    folder: PathLike,
    config: typing.Optional[PathLike] = None,
    image_size: typing.Optional[int] = None,
    opset: int = 17,
    video: bool = False,
) -> typing.List[str]:
    """Writes encoder.onnx and decoder.onnx, with samexporter's names, and with video what tracks as well; gives the files'
    paths. As `samc export` does."""
    paths, said = _samc.export_onnx(
        model_path(model), as_path(folder), optional_path(config), optional_size(image_size), as_size(opset, "opset"), bool(video)
    )
    for line in said:
        warnings.warn(f"{os.fspath(model)}: {line}", stacklevel=2)
    return paths


def inspect(
    file: PathLike,
    config: typing.Optional[PathLike] = None,
    summary: bool = True,
    operations: bool = False,
) -> str:
    """What is in a .pt, .onnx, .mlir, .samc or .bmodel, as text: what `samc inspect` prints."""
    options: typing.Dict[str, typing.Any] = {"summary": summary, "operations": operations}
    if config is not None:
        options["config"] = config
    path = model_path(file)
    # A name that begins as options do.
    return run_program("inspect", f"./{path}" if path.startswith("-") else path, **options)


def transform(**options: typing.Any) -> str:
    """`samc transform`, which takes what TPU-MLIR's model_transform.py does:
    transform(model_name="tiny", model_def="x.onnx", mlir="out.mlir"). Gives what it prints."""
    return run_program("transform", underscores=True, **options)


def deploy(**options: typing.Any) -> str:
    """`samc deploy`, which takes what TPU-MLIR's model_deploy.py does:
    deploy(mlir="out.mlir", quantize="F16", chip="bm1688", model="out.bmodel"). Needs TPU-MLIR. Gives what it prints."""
    return run_program("deploy", underscores=True, **options)


def program() -> str:
    """The path of the program `samc` that comes with this package."""
    return str(pathlib.Path(__file__).parent / "bin" / "samc")


def run_program(command: str, *arguments: PathLike, underscores: bool = False, **options: typing.Any) -> str:
    """Runs `samc COMMAND ARGUMENTS --OPTION VALUE` in a process of its own and gives what it prints. True stands for an
    option without a value, False and None for none, a list for one that is given several times. Raises RuntimeError with
    the program's line where it fails."""
    words = [program(), command, *(os.fspath(argument) for argument in arguments)]
    for name, value in options.items():
        option = "--" + (name if underscores else name.replace("_", "-"))
        if value is None or value is False:
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words += [option] if one is True else [option, str(one)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"samc {command} ended with code {done.returncode}")
    return done.stdout

