import os
import pathlib

import numpy as np
import pytest
from PIL import Image

import samc

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TRUCK = REPOSITORY / "tests/data/images/truck.jpg"
BEDROOM = REPOSITORY / "tests/data/images/bedroom"
PICO = REPOSITORY / "tests/data/pico/pico.pt"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache of the tests' own."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def mini(cache):
    return samc.build_sam2(None, "mini")


@pytest.fixture(scope="session")
def truck():
    """(1200, 1800, 3) uint8"""
    return np.array(Image.open(TRUCK).convert("RGB"))


@pytest.fixture(scope="session")
def small(truck):
    """(150, 200, 3) uint8"""
    return np.ascontiguousarray(truck[300:900:4, 200:1000:4])


@pytest.fixture(scope="session")
def frames():
    return [np.array(Image.open(path).convert("RGB")) for path in sorted(BEDROOM.glob("*.jpg"))]


@pytest.fixture()
def predictor(mini):
    return samc.SAM2ImagePredictor(mini)
