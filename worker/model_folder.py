"""Finds a model's files: the bundled one, a local folder, or a snapshot from the Hub; and says which revision they are.

safetensors only: nothing is ever unpickled.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from jobs.errors import ModelRefused, SetupError
from jobs.settings import Settings

#: the name of the small model inside this package
BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parent / "bundled"
BUNDLED_LANGUAGE = "zh"

#: what a pipeline reads; other variants of the weights and language models stay on the Hub
WANTED = ("*.json", "*.txt", "*.model", "README.md", "model.safetensors", "model-*-of-*.safetensors")
UNWANTED = ("language_model/*", "runs/*", "checkpoint-*/*")
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
    folder = _download(name, settings.revision)
    return _described(name, folder, language=_card_language(folder))


def _download(name: str, revision: str) -> Path:
    at = f"{name}@{revision}" if revision else name
    try:
        path = snapshot_download(
            name, revision=revision or None, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)
        )
    except HFValidationError as error:
        raise SetupError(f"{name!r} is neither a folder nor a Hub id", remedy="Correct TINGXIE_MODEL.") from error
    except GatedRepoError as error:
        raise SetupError(f"{name} asks for permission", remedy="Accept its terms on the Hub; set HF_TOKEN.") from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise SetupError(f"the Hub has no {at}", remedy="Correct TINGXIE_MODEL or TINGXIE_REVISION.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise SetupError(
            f"{at} is not on this machine and can't be downloaded: {_first_line(error)}",
            remedy="Connect to the Hub once, or set TINGXIE_MODEL to a folder or to `bundled`.",
        ) from error
    return Path(path)


def _described(name: str, folder: Path, *, language: str) -> ModelFolder:
    if not (folder / "config.json").is_file():
        raise ModelRefused(f"{name} has no config.json: this is no model's folder")
    weights = sorted(folder.glob("model*.safetensors"))
    if not weights:
        raise ModelRefused(
            f"{name} has no safetensors weights, and pickled ones are never loaded",
            remedy="Try TINGXIE_REVISION=refs/pr/1 (the Hub's conversion bot), or convert it with save_pretrained.",
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


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
