"""The random models."""

from tests.equality.model_fixtures import group_folder, layer_folder, whisper_folder

__all__ = ["group_folder", "layer_folder", "whisper_folder"]
