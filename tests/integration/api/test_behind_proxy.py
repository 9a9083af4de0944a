"""A front end behind a reverse proxy: its public address in links and Location; nginx with the documented settings."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer
from tingxie.stack import choose_port

PUBLIC = "https://speech.example.org/tingxie"
PAGE = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def proxied(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("proxied")
    with WebServer(folder, redis_url=redis_server.url, public_url=PUBLIC, trusted_proxies="127.0.0.0/8") as server:
        yield server


def test_links_and_location(proxied: WebServer, recording: bytes) -> None:
    answer = proxied.client.post("/v1/jobs", content=recording)
    job = answer.json()
    assert answer.headers["Location"] == job["links"]["self"] == f"{PUBLIC}/v1/jobs/{job['id']}"
    for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}?wait=0"):
        assert proxied.client.get(path).json()["links"] == job["links"]
    begun = proxied.client.post("/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"})
    assert begun.headers["Location"].startswith(f"{PUBLIC}/v1/uploads/")


def test_nginx_with_the_documented_settings(proxied: WebServer, recording: bytes, tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not nginx:
        pytest.skip("nginx is not installed")
    found = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    assert found
    port = choose_port(0)
    server = found[1].replace("443 ssl", f"127.0.0.1:{port}").replace("http://127.0.0.1:8000", proxied.url)
    server = re.sub(r"^\s*ssl_certificate.*\n", "", server, flags=re.MULTILINE)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{server}}}\n"
    )
    command = [nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen(command) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                eventually(lambda: _answers(client))
                job_id = submit(client, recording)
                with client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
                    lines = events.iter_lines()
                    first = next(line for line in lines if line.startswith("data:"))  # before the stream has ended
                assert "queued" in first
                assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "queued"
        finally:
            process.terminate()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False
