"""An S3 service on loopback: moto's server in a process of its own, with real HTTP between it and our store."""

import atexit
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import httpx

from tests.support.waiting import eventually

#: importing moto takes some seconds where others work too
START_S = 60.0
BUCKET = "tingxie-tests"
#: so that a list has several pages
PAGE = "7"


@dataclass
class Service:
    process: "subprocess.Popen[bytes]"
    endpoint: str

    def url(self) -> str:
        """A store with nothing in it, each time."""
        return f"s3://{BUCKET}/{uuid.uuid4().hex}"

    def open_uploads(self) -> int:
        """Multipart uploads that were begun and neither ended nor aborted."""
        return httpx.get(f"{self.endpoint}/{BUCKET}?uploads").text.count("<UploadId>")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@cache
def s3_service() -> Service:
    """One for all tests of this process, started when the first asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="tingxie-moto-"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": PAGE},
        )
    atexit.register(process.kill)

    def address() -> str:
        said = (folder / "log").read_text()
        if process.poll() is not None:
            raise RuntimeError(f"moto ended with status {process.returncode}: {said}")
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", said)
        return found[1] if found else ""

    service = Service(process, eventually(address, START_S, every_s=0.1))
    httpx.put(f"{service.endpoint}/{BUCKET}").raise_for_status()
    return service


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


@contextmanager
def at_endpoint(endpoint: str) -> Iterator[None]:
    """Stores that are opened inside are this service's."""
    with patch.dict(os.environ, environment(endpoint)):
        yield
