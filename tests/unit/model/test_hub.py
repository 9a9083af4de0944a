"""A Hub id is fetched by its commit, safetensors only; the Hub is a fake on loopback, its client the real one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fake_hub import CONVERTED, MAIN, NAME, OLDER, Hub, pull_request, serving

FIND = """
from jobs.errors import TingxieError
from jobs.settings import Settings
from worker.model_folder import find_model
try:
    found = find_model(Settings())
except TingxieError as error:
    print(f"{type(error).__name__}: {error.detail}")
else:
    print("found", found.revision, found.language, *sorted(file.name for file in found.folder.iterdir()))
"""
Find = Callable[..., str]


@pytest.fixture
def folders(layer_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The same model with pickled weights only, and with safetensors and what nobody asked for."""
    pickled, safe = tmp_path / "pickled", tmp_path / "safe"
    for folder in (pickled, safe):
        shutil.copytree(layer_folder, folder)
        (folder / "README.md").write_text("---\nlanguage: zh\n---\nA model.\n")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    (safe / "flax_model.msgpack").write_bytes(b"x")
    return pickled, safe


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Callable[..., Find]]:
    """Look for the model in a process of its own: the Hub's address is read when its client is imported.

    What it says last is the answer, on its error stream if it fails.
    """
    running = ExitStack()

    def start(hub: Hub, *program: str) -> Find:
        address = running.enter_context(serving(hub))

        def run(*arguments: str, **settings: str) -> str:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("TINGXIE_", "HF_"))},
                "HF_ENDPOINT": address,
                "HF_HOME": str(tmp_path / "cache"),
                "TINGXIE_MODEL": NAME,
                **settings,
            }
            command = [sys.executable, *(program or ("-c", FIND)), *arguments]
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
            return (done.stderr if done.returncode else done.stdout).splitlines()[-1]

        return run

    with running:
        yield start


def test_the_commit_is_the_revision_and_other_weights_stay_there(
    find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    hub = Hub({"main": (MAIN, folders[1])})
    answer = find(hub)().split()
    assert answer[:3] == ["found", MAIN, "zh"]
    assert "model.safetensors" in answer
    assert not any("msgpack" in path for path in hub.asked)


def test_without_safetensors_the_bots_conversion_is_taken(
    find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    pickled, safe = folders
    hub = Hub(
        {"main": (MAIN, pickled), "refs/pr/2": (CONVERTED, safe)},
        {"main": [MAIN, OLDER], "refs/pr/2": [CONVERTED, MAIN]},
        [pull_request("somebody", 1), pull_request("SFconvertbot", 2)],
    )
    assert find(hub)().split()[:2] == ["found", CONVERTED]


@pytest.mark.parametrize(
    ("request_", "parents"),
    [
        (pull_request("somebody"), [CONVERTED, MAIN]),
        pytest.param(pull_request("SFconvertbot"), [CONVERTED, OLDER], marks=pytest.mark.full),
        pytest.param(pull_request("SFconvertbot", title="Something else"), [CONVERTED, MAIN], marks=pytest.mark.full),
    ],
    ids=["by another", "of older weights", "of another title"],
)
def test_no_other_pull_request_is(
    request_: dict[str, object], parents: list[str], find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    pickled, safe = folders
    hub = Hub(
        {"main": (MAIN, pickled), "refs/pr/1": (CONVERTED, safe)},
        {"main": [MAIN, OLDER], "refs/pr/1": parents},
        [request_],
    )
    assert find(hub)().startswith(f"ModelRefused: {NAME} has no safetensors weights")


def test_what_is_here_is_not_asked_for_again_without_the_hub(
    find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}))
    first = run()
    assert run(HF_ENDPOINT="http://127.0.0.1:9") == first


def test_a_model_that_the_hub_does_not_have_is_a_setup_error(
    find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}))
    assert run(TINGXIE_MODEL="nobody/nothing") == "SetupError: the Hub has no nobody/nothing, or not for you"


def test_a_download_that_is_cut_goes_on_where_it_stopped(find: Callable[..., Find], folders: tuple[Path, Path]) -> None:
    """The client writes pieces of 10 MiB, so what came of the piece that was cut comes again."""
    piece, content = 10 * 1024**2, bytes(25 * 1024**2) + b"the end"
    weights = folders[1] / "model.safetensors"
    weights.write_bytes(content)
    hub = Hub({"main": (MAIN, folders[1])}, cuts={weights.name: piece + piece // 2})
    folder = find(hub, "-m", "tingxie", "models", "pull")().split()[-1]
    assert (hub.cuts, hub.ranges) == ({}, [f"bytes={piece}-"])
    assert (Path(folder) / weights.name).read_bytes() == content


def test_a_private_model_needs_its_token(find: Callable[..., Find], folders: tuple[Path, Path]) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}, token="hf_secret"))
    assert run() == f"SetupError: the Hub has no {NAME}, or not for you"
    assert run(HF_TOKEN="hf_secret").split()[:2] == ["found", MAIN]


def test_a_gated_model_says_so(find: Callable[..., Find], folders: tuple[Path, Path]) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}, gated=True))
    assert run() == f"SetupError: {NAME} asks for permission"


def test_offline_nothing_is_asked(find: Callable[..., Find], folders: tuple[Path, Path]) -> None:
    hub = Hub({"main": (MAIN, folders[1])})
    run = find(hub)
    assert run(HF_HUB_OFFLINE="1").startswith(f"SetupError: {NAME} is not on this machine")
    assert hub.asked == []
    found = run()
    asked = len(hub.asked)
    assert run(HF_HUB_OFFLINE="1") == found
    assert len(hub.asked) == asked


def test_pull_says_what_it_fetched_and_a_second_one_fetches_nothing(
    find: Callable[..., Find], folders: tuple[Path, Path]
) -> None:
    hub = Hub({"main": (MAIN, folders[1]), "v1": (OLDER, folders[1])})
    pull = find(hub, "-m", "tingxie", "models", "pull")
    name, _, revision, *_, folder = pull(NAME).split()
    assert (name, revision) == (NAME, MAIN)
    assert (Path(folder) / "model.safetensors").is_file()
    fetched = [path for path in hub.asked if "/resolve/" in path]
    assert pull(NAME).split()[2] == MAIN
    assert [path for path in hub.asked if "/resolve/" in path] == fetched
    assert pull(NAME, "--revision", "v1").split()[2] == OLDER
    assert pull("nobody/nothing").startswith("tingxie models: the Hub has no nobody/nothing, or not for you. ")
