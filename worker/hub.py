"""Fetches a model's files from the Hub; for a model with pickled weights only, the Hub's own conversion of them."""

from pathlib import Path

import structlog
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from jobs.errors import SetupError

log = structlog.get_logger()

#: a model's weights, whole or in parts; other variants (fp16, flax) are not for us
WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors")
#: what a pipeline reads beside them; language models stay on the Hub
WANTED = ("*.json", "*.txt", "*.model", "README.md", *WEIGHTS)
UNWANTED = ("language_model/*", "runs/*", "checkpoint-*/*")

#: the Hub's own bot offers converted weights in a pull request of this title (transformers/safetensors_conversion.py)
CONVERSION_BOT = "SFconvertbot"
CONVERSION_TITLE = "Adding `safetensors` variant of this model"


def download(name: str, revision: str) -> Path:
    """A snapshot's folder, named by its commit; what is here already isn't fetched again. Raises SetupError.

    Where the main branch has no safetensors and no revision was asked for, the conversion bot's pull request on it is
    taken, as transformers does.
    """
    at = f"{name}@{revision}" if revision else name
    try:
        folder = _snapshot(name, revision)
        if not revision and not weight_files(folder) and (converted := _conversion(name)):
            log.info("model.conversion", model=name, revision=converted, hint="set TINGXIE_REVISION to start offline")
            folder = _snapshot(name, converted)
    except HFValidationError as error:
        raise SetupError(f"{name!r} is neither a folder nor a Hub id", remedy="Correct TINGXIE_MODEL.") from error
    except GatedRepoError as error:
        raise SetupError(f"{name} asks for permission", remedy="Accept its terms on the Hub; set HF_TOKEN.") from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise SetupError(
            f"the Hub has no {at}, or not for you",
            remedy="Correct the model or TINGXIE_REVISION; for a private model set HF_TOKEN.",
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise SetupError(
            f"{at} is not on this machine and can't be downloaded: {_first_line(error)}",
            remedy="Connect to the Hub once, or set TINGXIE_MODEL to a folder or to `bundled`.",
        ) from error
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model's folder, in order."""
    return sorted(file for pattern in WEIGHTS for file in folder.glob(pattern))


def _snapshot(name: str, revision: str) -> Path:
    found = snapshot_download(
        name, revision=revision or None, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)
    )
    return Path(found)


def _conversion(name: str) -> str | None:
    """The bot's pull request on what is now the main branch; by anyone else, or on other weights, it doesn't count."""
    api = HfApi()
    head = api.list_repo_commits(name)[0].commit_id
    for request in api.get_repo_discussions(name, author=CONVERSION_BOT, discussion_type="pull_request"):
        if (request.title, request.author, request.status) != (CONVERSION_TITLE, CONVERSION_BOT, "open"):
            continue
        commits = api.list_repo_commits(name, revision=request.git_reference)
        if [commit.commit_id for commit in commits[1:2]] == [head]:
            return request.git_reference
    return None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
