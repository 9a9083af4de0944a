"""docs/api.md says what is so: every error has its line, every field its row, every example runs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import web.app  # noqa: F401 (all the errors)
from jobs.errors import JobError, RequestError, TingxieError, Unavailable
from jobs.job import Job, JobOptions
from tests.integration.api.fake_worker import TEXT, FakeWorker
from tests.integration.api.server import WebServer
from web.problems import error_kinds

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def client_errors() -> Iterator[str]:
    """The types that can reach a client: bases of the hierarchy that nobody raises are none."""
    for base in (JobError, RequestError, Unavailable):
        yield from (kind.type for kind in error_kinds(base))
    yield TingxieError.type


@pytest.mark.parametrize("name", sorted(set(client_errors())))
def test_every_error_is_documented(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`", DOCS, re.MULTILINE)


@pytest.mark.parametrize("name", sorted({*JobOptions.model_fields, *Job.model_fields, "links", "file"}))
def test_every_field_is_documented(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`", DOCS, re.MULTILINE)


def test_the_examples_run(web: WebServer, worker: FakeWorker, talk: Path) -> None:
    """In the order of the page, with this server's address; the worker is done before the first poll."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    examples = re.findall(r"^```sh\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    submit, *lines = "".join(examples).splitlines()

    def run(line: str, job_id: str = "") -> str:
        line = line.replace("http://127.0.0.1:8000", web.url).replace("curl -s", "curl -sS --fail-with-body")
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=talk.parent,
            env={**os.environ, "JOB": job_id},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    job_id = run(f"{submit}; echo $JOB").strip()
    assert worker.succeed() == job_id
    outputs = [run(line, job_id) for line in lines]
    assert '"state":"succeeded"' in outputs[0]
    assert outputs[1] == f"{TEXT}\n"
    assert len(lines) >= 9
