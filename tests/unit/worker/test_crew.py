"""A crew: a process for each model and device, kept alive, ended together."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from jobs.errors import SetupError
from jobs.settings import Settings
from tests.support.waiting import eventually
from worker.commands import app
from worker.crew import plan_crew, served_models

#: a crew of two; each writes its process id into a file named by its device, and drains on SIGTERM
CREW = """
import sys
from worker.crew import run_crew
plans = [{"TINGXIE_MODEL": "m", "TINGXIE_DEVICE": device} for device in ("cuda:0", "cuda:1")]
sys.exit(run_crew(plans, [sys.executable, "-c", sys.argv[1]]))
"""
MEMBER = """
import os, pathlib, signal, sys, threading
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
file = pathlib.Path(os.environ["FOLDER"], os.environ["TINGXIE_DEVICE"])
file.with_suffix(".new").write_text(str(os.getpid()))
file.with_suffix(".new").rename(file)
if os.environ["TINGXIE_DEVICE"] == os.environ["MISFIT"]:
    sys.exit(78)
signal.pause()
"""
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    crews: list[subprocess.Popen[bytes]] = []

    def run(misfit: str = "") -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "FOLDER": str(tmp_path), "MISFIT": misfit}
        crews.append(subprocess.Popen([sys.executable, "-c", CREW, MEMBER], env=environment))
        return crews[-1]

    yield run
    for crew in crews:
        crew.kill()
        crew.wait()


def members(folder: Path) -> list[int]:
    """The process ids of both, once both have started."""
    files = [folder / f"cuda:{number}" for number in (0, 1)]
    eventually(lambda: all(file.exists() for file in files), 30.0)
    return [int(file.read_text()) for file in files]


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_one_model_is_what_the_settings_say() -> None:
    assert served_models(Settings(model="a/b", revision="v1")) == [("a/b", "v1")]


def test_several_models_each_with_its_revision(tmp_path: Path) -> None:
    folder = tmp_path / "odd@name"
    folder.mkdir()
    settings = Settings(models=f"a/b@v2, a/b ,{folder}", revision="v1")
    assert served_models(settings) == [("a/b", "v2"), ("a/b", "v1"), (str(folder), "v1")]


def test_all_is_a_process_for_each_gpu_and_model() -> None:
    plans = plan_crew(Settings(models="a,b", device="all", dtype="bfloat16"), lambda: 3)
    assert [(plan["TINGXIE_MODEL"], plan["TINGXIE_DEVICE"]) for plan in plans] == [
        (model, f"cuda:{number}") for number in range(3) for model in "ab"
    ]
    assert {plan["TINGXIE_DTYPE"] for plan in plans} == {"bfloat16"}
    assert {plan["TINGXIE_MODELS"] for plan in plans} == {""}


def test_models_on_one_device_share_its_threads() -> None:
    plans = plan_crew(Settings(models="a,b", device="cpu"), lambda: 0)
    assert [plan["TINGXIE_DEVICE"] for plan in plans] == ["cpu", "cpu"]
    assert {int(plan["TINGXIE_MODEL_THREADS"]) for plan in plans} == {max(1, (os.cpu_count() or 1) // 2)}


def test_all_without_a_gpu_is_a_setup_error() -> None:
    with pytest.raises(SetupError, match="no CUDA device"):
        plan_crew(Settings(device="all"), lambda: 0)


def test_all_without_a_gpu_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    done = CliRunner().invoke(app, ["transcribe", "--device", "all"])
    assert (done.exit_code, len(done.stderr.splitlines())) == (78, 1)
    assert done.stderr.startswith("tingxie worker transcribe: this machine has no CUDA device")


def test_a_member_that_dies_is_started_again_and_a_signal_ends_all(start: Start, tmp_path: Path) -> None:
    crew = start()
    first, second = members(tmp_path)
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: members(tmp_path)[0] != first, 30.0)
    assert members(tmp_path)[1] == second
    crew.send_signal(signal.SIGTERM)
    assert crew.wait(30) == 0
    assert all(gone(pid) for pid in members(tmp_path))


def test_a_member_with_a_wrong_configuration_ends_all(start: Start, tmp_path: Path) -> None:
    crew = start(misfit="cuda:1")
    assert crew.wait(30) == 78
    assert all(gone(pid) for pid in members(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG")
def test_members_drain_when_their_crew_is_killed(start: Start, tmp_path: Path) -> None:
    crew = start()
    pids = members(tmp_path)
    crew.kill()
    assert eventually(lambda: all(gone(pid) for pid in pids), 30.0)
