from .automatic_mask_generator import SAM2AutomaticMaskGenerator as SAM2AutomaticMaskGenerator
from .build_sam import build_sam2 as build_sam2
from .build_sam import build_sam2_video_predictor as build_sam2_video_predictor
from .model import Module as Module
from .model import load as load
from .sam2_image_predictor import SAM2ImagePredictor as SAM2ImagePredictor
from .sam2_video_predictor import SAM2VideoPredictor as SAM2VideoPredictor
from .tools import compile as compile
from .tools import deploy as deploy
from .tools import export as export
from .tools import inspect as inspect
from .tools import run_program as run_program
from .tools import transform as transform

__version__: str
