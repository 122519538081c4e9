"""build_sam2 and what is around it; compiling, exporting, looking into files."""

import pathlib
import subprocess
import sys
import typing

import numpy as np
import pytest
from conftest import PICO

import samc
import samc.build_sam


def test_build_sam2(mini):
    assert isinstance(mini, samc.Module)
    assert mini.name == "mini" and mini.image_size == 256 and mini.has_video
    assert mini.device == "cpu" and mini.device.type == "cpu"
    assert mini.eval() is mini and mini.to("cpu") is mini and mini.cpu() is mini
    assert "image_encoder" in mini.functions and "mini" in repr(mini)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
def test_other_devices(device, mini):
    for build in (samc.build_sam2, samc.build_sam2_video_predictor):
        with pytest.raises(ValueError, match=f"device '{device}': samc computes on the CPU"):
            build(None, "mini", device=device)
    with pytest.raises(ValueError):
        mini.to(device)
    with pytest.raises(ValueError):
        mini.cuda()


def test_what_cannot_be_built(tmp_path):
    with pytest.raises(ValueError, match="no ckpt_path"):
        samc.build_sam2(None)
    with pytest.raises(ValueError, match="mode 'train'"):
        samc.build_sam2(None, "mini", mode="train")
    with pytest.raises(FileNotFoundError, match="no official config"):
        samc.build_sam2("configs/none.yaml", "mini")
    with pytest.raises(OSError, match="none.pt"):
        samc.build_sam2(None, tmp_path / "none.pt")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ValueError) as error:
        samc.build_sam2(None, broken)
    assert "broken.pt" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError, match="samc downloads nothing"):
        samc.SAM2ImagePredictor.from_pretrained("facebook/sam2-hiera-tiny")
    with pytest.raises(TypeError):
        samc.build_sam2(None, b"mini")
    with pytest.raises(ValueError, match="image_size is out of its range"):
        samc.load("mini", image_size=2**64)
    for threads in (-1, 5000):
        with pytest.raises(ValueError, match="threads"):
            samc.build_sam2(None, "mini", threads=threads)
    for name in ("", "mini\0.pt", "\udcff.pt"):  # the last is of a file whose name is not UTF-8
        for call in (samc.load, samc.inspect, lambda path: samc.export(path, "onnx"), lambda path: samc.compile("mini", path)):
            with pytest.raises((ValueError, TypeError)) as error:
                call(name)
            assert "\n" not in str(error.value), (name, call)
    with pytest.raises(RuntimeError, match="cannot open ./--help"):
        samc.inspect("--help")
    with pytest.raises(TypeError, match="precision is 5"):
        samc.load("mini", precision=5)
    with pytest.raises(ValueError, match="no precision 'f16'"):
        samc.load("mini", precision="f16")


def test_from_pretrained(mini):
    assert samc.SAM2ImagePredictor.from_pretrained("mini").model.name == "mini"
    assert samc.SAM2VideoPredictor.from_pretrained("mini").fill_hole_area == 8


def test_overrides(small):
    parse = samc.build_sam.parse_overrides
    assert parse(["++model.a.b=true", "++model.c=3", "model.d=0.5"]) == {"a.b": True, "c": 3, "d": 0.5}
    for wrong in ["++trainer.x=1", "model.x", "++model.x=words", "++model.x=nan", "++model.compile_image_encoder=true", "++model._target_=sam2.X", 5]:
        with pytest.raises(ValueError):
            parse([wrong])
    for wrong in ("++model.image_size=512", None, 5):
        with pytest.raises(TypeError, match="give a list"):
            samc.build_sam2(None, "mini", hydra_overrides_extra=wrong)
    video = samc.build_sam2_video_predictor(
        None, "mini", hydra_overrides_extra=["++model.non_overlap_masks=true", "++model.fill_hole_area=3"]
    )
    assert video.non_overlap_masks is True and video.fill_hole_area == 3
    assert samc.build_sam2_video_predictor(None, "mini", apply_postprocessing=False).fill_hole_area == 0
    with pytest.raises(NotImplementedError, match="cannot be changed"):
        samc.build_sam2(None, "mini", hydra_overrides_extra=["++model.num_maskmem=3"])
    with pytest.raises(TypeError):
        samc.build_sam2(None, "mini", hydra_overrides_extra=["++model.image_size=0.5"])
    with pytest.raises(ValueError, match="another type"):
        samc.build_sam2_video_predictor(None, "mini", hydra_overrides_extra=["++model.max_cond_frames_in_attn=0.5"])
    assert samc.build_sam2(None, "mini", hydra_overrides_extra=["++model.image_size=512"]).image_size == 512


def test_single_masks_without_the_fallback(mini, small):
    """Where the single mask is not stable, the fallback takes one of the three."""
    plain = samc.SAM2ImagePredictor(samc.build_sam2(None, "mini", apply_postprocessing=False))
    always = samc.SAM2ImagePredictor(
        samc.build_sam2(
            None,
            "mini",
            hydra_overrides_extra=["++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=1.1"],
        )
    )
    plain.set_image(small)
    always.set_image(small)
    _, several, _ = plain.predict([[50, 75]], [1])
    _, fallback, _ = always.predict([[50, 75]], [1], multimask_output=False)
    _, single, _ = plain.predict([[50, 75]], [1], multimask_output=False)
    assert fallback[0] == several.max()
    assert single[0] not in several


def test_compile_inspect_export(tmp_path, small):
    output = tmp_path / "pico.samc"
    samc.compile(PICO, output)
    module = samc.load(output)
    from_checkpoint = samc.SAM2ImagePredictor(samc.load(PICO, cache=False))
    from_module = samc.SAM2ImagePredictor(module)
    for predictor in (from_checkpoint, from_module):
        predictor.set_image(small)
    np.testing.assert_array_equal(
        from_checkpoint.predict([[50, 75]], [1])[2], from_module.predict([[50, 75]], [1])[2]
    )
    assert "a compiled module" in samc.inspect(output)
    assert "a PyTorch checkpoint" in samc.inspect("mini")
    with pytest.raises(RuntimeError, match="none.pt"):
        samc.inspect(tmp_path / "none.pt")
    paths = samc.export(PICO, tmp_path / "onnx")
    assert [pathlib.Path(path).name for path in paths] == ["encoder.onnx", "decoder.onnx"]
    exported = samc.load(tmp_path / "onnx", cache=False)
    assert not exported.has_video
    with pytest.raises(ValueError, match="no functions for video"):
        samc.SAM2VideoPredictor(exported)
    with pytest.raises(ValueError):
        samc.compile(output, output)
    with pytest.raises(OSError):
        samc.compile(PICO, tmp_path / "no" / "where.samc")
    samc.transform(model_name="pico", model_def=str(PICO), part="encoder", mlir=str(tmp_path / "pico.mlir"))
    assert (tmp_path / "pico.mlir").exists()
    with pytest.raises(RuntimeError):
        samc.deploy(mlir=str(tmp_path / "none.mlir"))


def test_official_names_are_there():
    from samc.build_sam import build_sam2, build_sam2_hf, build_sam2_video_predictor  # noqa: F401
    from samc.sam2_image_predictor import SAM2ImagePredictor
    from samc.sam2_video_predictor import SAM2VideoPredictor

    from samc.automatic_mask_generator import SAM2AutomaticMaskGenerator

    assert SAM2AutomaticMaskGenerator is samc.SAM2AutomaticMaskGenerator
    assert SAM2ImagePredictor is samc.SAM2ImagePredictor and SAM2VideoPredictor is samc.SAM2VideoPredictor
    assert set(dir(samc)) >= {"Module", "build_sam2", "compile", "load"}
    with pytest.raises(AttributeError):
        samc.nonsense


def test_types_are_there():
    package = pathlib.Path(samc.__file__).parent
    assert (package / "py.typed").exists()
    top = (package / "__init__.pyi").read_text()
    for name in samc.__all__:
        assert f" as {name}\n" in top or f"{name}: " in top, name
    stubs = (package / "_samc.pyi").read_text()
    from samc import _samc

    for name in (name for name in dir(_samc) if not name.startswith("_")):
        assert f"def {name}(" in stubs or f"class {name}:" in stubs, name
        value = getattr(_samc, name)
        if isinstance(value, type):
            for member in (member for member in vars(value) if not member.startswith("_")):
                assert f"def {member}(" in stubs or f"    {member}: " in stubs, f"{name}.{member}"


def test_all_that_is_public_has_types_and_says_what_it_does():
    same = {"eval", "to", "cpu", "cuda", "device", "image_size"}  # of the official nn.Module, and plain
    for name in samc.__all__:
        value = getattr(samc, name)
        if isinstance(value, str):
            continue
        members = [getattr(value, part) for part in vars(value) if not part.startswith("_")] if isinstance(value, type) else []
        for one in [value, *members]:
            one = one.fget if isinstance(one, property) else one
            if one.__name__ not in same:
                assert one.__doc__ or one.__name__ == "mask_threshold", one
            if not isinstance(one, type):
                hints, arguments = typing.get_type_hints(one), one.__code__.co_varnames[: one.__code__.co_argcount]
                assert set(hints) >= set(arguments) - {"self", "cls"} | {"return"}, one


def test_needs_numpy_alone():
    code = "import sys, samc; samc.SAM2VideoPredictor, samc.SAM2ImagePredictor; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'numpy'" in loaded
    for other in ("torch", "PIL", "cv2"):
        assert f"'{other}'" not in loaded
