"""The SAM 2.1 architecture, written for training; the state_dict has the names of the official checkpoints."""

from training.model.sam2 import Sam2, build_model, load_config

__all__ = ["Sam2", "build_model", "load_config"]
