"""Finds a model's files: the bundled one, a local folder, or a snapshot from the Hub; and says which revision they are.

safetensors only: nothing is ever unpickled.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from jobs.errors import ModelRefused, SetupError
from jobs.settings import Settings
from worker.hub import download, weight_files

#: the name of the small model inside this package
BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parent / "bundled"
BUNDLED_LANGUAGE = "zh"

COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """name: as the settings say. revision: the Hub's commit, or a hash over the folder's files: 40 hex digits.

    language: BCP 47, from the model card; "" where it names none or several. weight_bytes: size on disk.
    """

    name: str
    folder: Path
    revision: str
    language: str
    weight_bytes: int

    @property
    def config(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return document


def find_model(settings: Settings) -> ModelFolder:
    """The files of `settings.model`, downloaded where needed; raises ModelRefused or SetupError, one line each."""
    name, local = settings.model, Path(settings.model)
    if name == BUNDLED:
        return _described(name, BUNDLED_FOLDER, language=BUNDLED_LANGUAGE)
    if local.is_dir():
        return _described(name, local, language=_card_language(local))
    if local.is_absolute() or name.startswith((".", "~")):
        raise SetupError(f"there is no folder {name}", remedy="Correct TINGXIE_MODEL: a folder or a Hub id.")
    folder = download(name, settings.revision)
    return _described(name, folder, language=_card_language(folder))


def _described(name: str, folder: Path, *, language: str) -> ModelFolder:
    if not (folder / "config.json").is_file():
        raise ModelRefused(f"{name} has no config.json: this is no model's folder")
    weights = weight_files(folder)
    if not weights:
        raise ModelRefused(
            f"{name} has no safetensors weights, and pickled ones are never loaded",
            remedy="Load it with transformers, save_pretrained it into a folder, and set TINGXIE_MODEL to that.",
        )
    revision = folder.name if COMMIT.fullmatch(folder.name) else _content_hash(folder, weights)
    return ModelFolder(name, folder, revision, language, sum(file.stat().st_size for file in weights))


def _content_hash(folder: Path, weights: list[Path]) -> str:
    """Over names and contents, so that other weights under the same name never mix in one job."""
    digest = hashlib.sha256()
    for file in sorted({*folder.glob("*.json"), *folder.glob("*.txt"), *weights}):
        with file.open("rb") as content:
            digest.update(f"{file.name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:40]


def _card_language(folder: Path) -> str:
    """The one language that the model card names."""
    card = folder / "README.md"
    if not card.is_file():
        return ""
    try:
        languages = ModelCard.load(card).data.get("language")
    except ValueError:  # a card without readable metadata says nothing about the language
        return ""
    if isinstance(languages, list):
        languages = languages[0] if len(languages) == 1 else ""
    return languages if isinstance(languages, str) else ""
