"""A Hub id is fetched by its commit, safetensors only; the Hub is a fake on loopback, its client the real one."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.model.fake_hub import CONVERTED, MAIN, NAME, OLDER, Hub, pull_request, serve

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
def find(tmp_path: Path) -> Iterator[Callable[[Hub], Find]]:
    """Look for the model in a process of its own: the Hub's address is read when its client is imported."""
    servers = []

    def start(hub: Hub) -> Find:
        server = serve(hub)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))

        def run(**settings: str) -> str:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("TINGXIE_", "HF_"))},
                "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                "HF_HOME": str(tmp_path / "cache"),
                "TINGXIE_MODEL": NAME,
                **settings,
            }
            command = [sys.executable, "-c", FIND]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            return done.stdout.splitlines()[-1]

        return run

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_commit_is_the_revision_and_other_weights_stay_there(
    find: Callable[[Hub], Find], folders: tuple[Path, Path]
) -> None:
    hub = Hub({"main": (MAIN, folders[1])})
    answer = find(hub)().split()
    assert answer[:3] == ["found", MAIN, "zh"]
    assert "model.safetensors" in answer
    assert not any("msgpack" in path for path in hub.asked)


def test_without_safetensors_the_bots_conversion_is_taken(
    find: Callable[[Hub], Find], folders: tuple[Path, Path]
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
    request_: dict[str, object], parents: list[str], find: Callable[[Hub], Find], folders: tuple[Path, Path]
) -> None:
    pickled, safe = folders
    hub = Hub(
        {"main": (MAIN, pickled), "refs/pr/1": (CONVERTED, safe)},
        {"main": [MAIN, OLDER], "refs/pr/1": parents},
        [request_],
    )
    assert find(hub)().startswith(f"ModelRefused: {NAME} has no safetensors weights")


def test_what_is_here_is_not_asked_for_again_without_the_hub(
    find: Callable[[Hub], Find], folders: tuple[Path, Path]
) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}))
    first = run()
    assert run(HF_ENDPOINT="http://127.0.0.1:9") == first


def test_a_model_that_the_hub_does_not_have_is_a_setup_error(
    find: Callable[[Hub], Find], folders: tuple[Path, Path]
) -> None:
    run = find(Hub({"main": (MAIN, folders[1])}))
    assert run(TINGXIE_MODEL="nobody/nothing") == "SetupError: the Hub has no nobody/nothing"
