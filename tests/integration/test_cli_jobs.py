"""status, result, list, cancel, delete, doctor against a running service, and without one."""

import json
import resource
from pathlib import Path

import pytest

from tests.support.shell import tingxie
from tests.support.stack import Up

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(scope="module")
def job(service: Up) -> str:
    """The id of a job that has succeeded."""
    submitted = tingxie("submit", SAMPLE, "--server", service.url)
    assert submitted.returncode == 0, submitted.stderr
    job_id = submitted.stdout.strip()
    assert tingxie("watch", job_id, "--server", service.url).returncode == 0
    return job_id


def test_status_is_a_line_or_the_servers_json(service: Up, job: str) -> None:
    line = tingxie("status", job, "--server", service.url)
    assert line.stdout.split("\t")[:3] == [job, "succeeded", "100%"]
    record = json.loads(tingxie("status", job, "--json", "--server", service.url).stdout)
    assert record["id"] == job
    assert record["covered_s"] == record["duration_s"]


@pytest.mark.parametrize("form", ["txt", "json", "srt", "vtt", "tsv"])
def test_result_in_every_format(service: Up, job: str, form: str) -> None:
    done = tingxie("result", job, "--format", form, TINGXIE_URL=service.url)
    assert done.returncode == 0, done.stderr
    starts = {"json": "{", "srt": "1\n00:00:", "vtt": "WEBVTT\n"}
    assert done.stdout.startswith(starts.get(form, ""))
    assert done.stdout.endswith("\n")
    assert not done.stderr


def test_result_into_a_file(service: Up, job: str, tmp_path: Path) -> None:
    done = tingxie("result", job, "-o", tmp_path / "deep/a.txt", "--server", service.url)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "deep/a.txt").read_text(encoding="utf-8").strip()


def test_list_holds_the_job(service: Up, job: str) -> None:
    listed = tingxie("list", "--state", "succeeded", "--server", service.url)
    assert job in [line.split("\t")[0] for line in listed.stdout.splitlines()]


def test_cancel_and_delete(service: Up) -> None:
    job = tingxie("submit", SAMPLE, "--server", service.url).stdout.strip()
    cancelled = tingxie("cancel", job, "--server", service.url)
    assert cancelled.returncode == 0, cancelled.stderr
    assert cancelled.stdout.split("\t")[1] in {"cancelled", "succeeded"}  # it may have been quicker
    assert tingxie("delete", job, "--server", service.url).returncode == 0
    assert tingxie("status", job, "--server", service.url).returncode == 4


@pytest.mark.parametrize("command", ["status", "result", "watch", "cancel", "delete"])
def test_an_unknown_job_is_status_4(service: Up, command: str) -> None:
    done = tingxie(command, "0" * 32, "--server", service.url)
    assert done.returncode == 4
    assert "There is no such job" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("status", "x"), ("submit", SAMPLE), ("list",), ("doctor",)])
def test_no_service_is_status_3(command: tuple[str | Path, ...]) -> None:
    done = tingxie(*command, "--server", NOBODY)
    assert done.returncode == 3
    assert f"no answer from {NOBODY}" in done.stdout + done.stderr
    assert "tingxie up" in done.stdout + done.stderr


def test_doctor_finds_a_running_service_well(service: Up) -> None:
    done = tingxie("doctor", "--server", service.url)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok ") for line in lines), done.stdout
    for name in ("redis", "store", "workers"):
        assert any(name in line for line in lines)


def test_status_starts_fast(service: Up, job: str) -> None:
    """No torch, no flask: 0.3 s of CPU on an idle machine. CPU time, and the best of three, since it may be busy."""

    def cpu_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert tingxie("status", job, "--server", service.url).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_s() for _ in range(3)) < 1.0
