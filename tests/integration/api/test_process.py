"""The front end as a process: its memory, its start and its end, Redis going away and coming back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest

from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused
from tests.support.waiting import eventually
from tingxie import redis_server as embedded
from tingxie.redis_server import RedisServer

MB = 1_000_000
UPLOAD_BYTES = 300 * MB


class PeakMemory:
    """The largest resident size of a process while the block runs, in bytes."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self.bytes = 0

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._done.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss)


def zeros(total: int) -> Iterator[bytes]:
    yield b"RIFF"
    for _ in range(total // MB):
        yield bytes(MB)


def multipart(total: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    yield from zeros(total)
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("form", [False, True], ids=["raw", "multipart"])
def test_a_large_upload_stays_out_of_memory(web: WebServer, recording: bytes, *, form: bool) -> None:
    submit(web.client, recording)
    process = web.worker_process()
    idle = process.memory_info().rss
    assert idle < 150 * MB
    headers = {"Content-Type": "multipart/form-data; boundary=x" if form else "audio/wav"}
    with PeakMemory(process) as peak:
        answer = web.client.post(
            "/v1/jobs", content=(multipart if form else zeros)(UPLOAD_BYTES), headers=headers, timeout=250
        )
    assert answer.status_code == 202, answer.text
    audio = web.store / "jobs" / answer.json()["id"] / "audio"
    assert audio.stat().st_size == UPLOAD_BYTES + 4
    audio.unlink()
    print(f"idle {idle / MB:.0f} MB, peak {peak.bytes / MB:.0f} MB")  # noqa: T201 (shown by -rP)
    assert peak.bytes < min(idle + 60 * MB, 150 * MB)


def test_the_process_holds_no_model_code(web: WebServer) -> None:
    mapped = [found.path for found in web.worker_process().memory_maps()]
    assert any("pydantic_core" in path for path in mapped)
    assert not [path for path in mapped if "torch" in path or "numpy" in path]


def test_web_works_where_torch_cannot_be_imported() -> None:
    program = """
import sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "numpy", "worker"}:
            raise ImportError(f"web imports {name}")

sys.meta_path.insert(0, Wall())
import web.commands
from web.app import create_app
from jobs.settings import Settings
app = create_app(Settings(), None, None, None)
assert app.test_client().get("/healthz").status_code == 200
assert app.test_client().get("/openapi.json").status_code == 200
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr


def test_redis_away_and_back(tmp_path: Path, recording: bytes) -> None:
    redis = embedded.start(tmp_path / "redis")
    try:
        with WebServer(tmp_path, redis_url=redis.url) as web:
            before = submit(web.client, recording)
            redis.stop()
            stored = web.stored()
            for answer in [
                web.client.post("/v1/jobs", content=recording),
                web.client.get(f"/v1/jobs/{before}"),
                web.client.get("/v1/jobs"),
            ]:
                refused(answer, 503, "ledger-unavailable")
                assert int(answer.headers["Retry-After"]) >= 1
            assert web.stored() == stored
            ready = web.client.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["redis"]["ok"]) == (503, False)
            assert web.client.get("/healthz").status_code == 200
            redis = embedded.start(tmp_path / "redis", port=redis.port)
            eventually(lambda: web.client.get(f"/v1/jobs/{before}").is_success)
            submit(web.client, recording)
    finally:
        redis.stop()


def test_sigterm_answers_who_waits_and_ends(redis_server: RedisServer, tmp_path: Path, recording: bytes) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url, log_level="debug") as web:
        job_id = submit(web.client, recording)
        answers: list[httpx.Response] = []
        waiter = threading.Thread(target=lambda: answers.append(web.client.get(f"/v1/jobs/{job_id}?wait=59")))
        waiter.start()
        threads = web.worker_process().num_threads()
        eventually(lambda: web.worker_process().num_threads() >= threads or bool(answers))
        began = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(30) == 0
        waiter.join(30)
        assert answers[0].json()["state"] == "queued"
        assert time.monotonic() - began < 30


def test_a_server_whose_parent_was_killed_ends(redis_server: RedisServer, tmp_path: Path) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url) as web:
        child = web.worker_process()
        web.process.kill()
        child.wait(30)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("PORT", "taken", "is taken by another program"),
        ("PORT", "abc", "TINGXIE_PORT"),
        ("REDIS_URL", "http://127.0.0.1", "TINGXIE_REDIS_URL"),
        ("STORE_URL", "s3://nowhere", "TINGXIE_STORE_URL"),
        ("DATA_DIR", "/proc/nowhere", "/proc/nowhere"),
    ],
)
def test_one_line_says_what_is_wrong(web: WebServer, tmp_path: Path, *, setting: str, value: str, words: str) -> None:
    chosen = web.url.rpartition(":")[2] if value == "taken" else value
    environment = {
        **os.environ,
        "TINGXIE_REDIS_URL": "redis://127.0.0.1:1/0",
        "TINGXIE_DATA_DIR": str(tmp_path),
        "TINGXIE_LOG_LEVEL": "error",
        f"TINGXIE_{setting}": chosen,
    }
    ran = subprocess.run(
        [sys.executable, "-m", "tingxie", "web"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 78
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
    [line] = [line for line in ran.stderr.splitlines() if line.startswith("tingxie web:")]
    assert words in line
