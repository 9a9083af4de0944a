"""API keys over HTTP: who gets in, for what, and how they are made, listed and revoked."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from redis import Redis

from jobs.api_key import Scope
from jobs.keyring import Limits
from tests.integration.api.keyed import Holders, keyring_of
from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer
from web.auth import is_open_path


@pytest.fixture
def keyed(keyed_server: WebServer, redis: Redis) -> WebServer:
    """The keyed front end, over an empty Redis: which is also what it sees after Redis lost its data."""
    return keyed_server


def test_without_a_key_only_the_open_paths_answer(keyed: WebServer) -> None:
    for path in ["/", "/healthz", "/readyz?want=accepting", "/openapi.json", "/problems/key-required"]:
        assert keyed.client.get(path).status_code == 200, path
    refused(keyed.client.get("/nowhere"), 404, "not-found")
    for method, path in [("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/v1/models"), ("DELETE", "/v1/jobs/ab")]:
        answer = keyed.client.request(method, path)
        refused(answer, 401, "key-required")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_what_is_no_valid_key(keyed: WebServer, hold: Holders) -> None:
    mine = hold(keyed)
    other = hold(keyed)
    crossed = mine.token[:16] + other.token[16:]
    for header in [f"Bearer {crossed}", "Bearer x", f"Bearer tx_{'0' * 12}_{'0' * 64}", f"Bearer {mine.token}0"]:
        answer = keyed.client.get("/v1/jobs", headers={"Authorization": header})
        refused(answer, 401, "key-unknown")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    refused(keyed.client.get("/v1/jobs", headers={"Authorization": f"Basic {mine.token}"}), 401, "key-required")
    for headers in [{"X-API-Key": mine.token}, {"Authorization": f"bearer {mine.token}"}]:
        assert keyed.client.get("/v1/jobs", headers=headers).status_code == 200
    assert mine.token not in keyed.log
    assert mine.key.secret_sha256 not in keyed.log


def test_revoked_within_seconds(keyed: WebServer, hold: Holders) -> None:
    mine = hold(keyed)
    assert mine.client.get("/v1/jobs").status_code == 200
    keyring_of(keyed).revoke(mine.key.id)
    refused(eventually(lambda: (a := mine.client.get("/v1/jobs")).is_error and a, 10.0), 401, "key-unknown")


def test_scopes(keyed: WebServer, hold: Holders, recording: bytes) -> None:
    reader, sender = hold(keyed, [Scope.READ]), hold(keyed, [Scope.SUBMIT])
    assert reader.client.get("/v1/jobs").status_code == 200
    answer = reader.client.post("/v1/jobs", content=recording)
    assert "`submit`" in str(refused(answer, 403, "scope-missing")["detail"])
    assert 'scope="submit"' in answer.headers["WWW-Authenticate"]
    job_id = submit(sender.client, recording)
    refused(sender.client.get(f"/v1/jobs/{job_id}"), 403, "scope-missing")
    assert sender.client.delete(f"/v1/jobs/{job_id}").status_code == 204


def test_requests_a_minute(keyed: WebServer, hold: Holders) -> None:
    mine = hold(keyed, limits=Limits(requests_per_minute=5))
    answers = [mine.client.get("/v1/jobs") for _ in range(12)]  # a minute may begin anew in between
    refusal = next(answer for answer in answers if answer.is_error)
    refused(refusal, 429, "rate-limited")
    assert 0 < int(refusal.headers["Retry-After"]) <= 60
    assert refusal.headers["RateLimit-Policy"] == answers[0].headers["RateLimit-Policy"] == '"requests";q=5;w=60'
    assert answers[0].headers["RateLimit"].startswith('"requests";r=4;t=')
    assert sum(answer.is_success for answer in answers) in (5, 10)
    assert mine.client.get("/healthz").is_success
    assert "RateLimit" in keyed.client.get("/v1/jobs").headers


def test_hours_used_up(keyed: WebServer, hold: Holders, recording: bytes) -> None:
    mine = hold(keyed, limits=Limits(hours_per_day=0.4 / 3600))
    submit(mine.client, recording)
    answer = mine.client.post("/v1/jobs", content=recording[:-2])
    refused(answer, 429, "quota-used-up")
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400


def test_an_admin_sees_everybodys_and_a_new_key_its_owners(keyed: WebServer, hold: Holders, recording: bytes) -> None:
    mine, admin = hold(keyed), hold(keyed, [Scope.ADMIN])
    job_id = submit(mine.client, recording)
    successor = hold(keyed, owner=mine.key.owner)
    for client in (mine.client, successor.client, admin.client):
        assert client.get(f"/v1/jobs/{job_id}").json()["id"] == job_id
    assert admin.client.get("/v1/jobs").json()["jobs"] == []
    assert [job["id"] for job in admin.client.get(f"/v1/jobs?owner={mine.key.owner}").json()["jobs"]] == [job_id]
    refused(hold(keyed).client.get(f"/v1/jobs?owner={mine.key.owner}"), 403, "scope-missing")
    assert admin.client.post(f"/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"


def test_the_spec_tells_how_a_key_is_sent(keyed: WebServer) -> None:
    spec = keyed.client.get("/openapi.json").json()
    assert set(spec["components"]["securitySchemes"]) == {"bearer", "header"}
    assert spec["security"] == [{"bearer": []}, {"header": []}, {}]
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            assert (operation.get("security") == []) == is_open_path(path), path
            if path != "/session":  # open, and minds what key it is given
                assert is_open_path(path) != ({"401", "403"} <= set(operation["responses"])), path


def tingxie(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")}
    chosen = {**inherited, "TINGXIE_DATA_DIR": str(folder / "data"), **environment}
    command = [sys.executable, "-m", "tingxie", *arguments]
    return subprocess.run(command, env=chosen, capture_output=True, text=True, timeout=120, check=False)


def test_the_commands(keyed: WebServer, redis_server: RedisServer) -> None:
    made = tingxie(keyed.folder, "keys", "create", "--name", "scanner", "--hours-per-day", "3")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    key_id = token.split("_")[1]
    client = {"TINGXIE_URL": keyed.url}
    assert tingxie(keyed.folder, "list", **client).returncode == 1
    assert tingxie(keyed.folder, "list", "--key", token, **client).returncode == 0
    listed = tingxie(keyed.folder, "keys", "list", TINGXIE_REDIS_URL=redis_server.url).stdout
    [line] = [line.split("\t") for line in listed.splitlines() if line.startswith(key_id)]
    assert line[:4] == [key_id, "scanner", "read,submit", key_id]
    assert line[5].startswith("20")
    assert token.split("_")[2] not in listed
    assert tingxie(keyed.folder, "keys", "revoke", key_id, "0" * 12).returncode == 4
    refusal = eventually(lambda: (r := tingxie(keyed.folder, "list", TINGXIE_API_KEY=token, **client)).returncode and r)
    assert "TINGXIE_API_KEY" in refusal.stderr


def test_without_keys_others_are_not_served(redis_server: RedisServer, tmp_path: Path) -> None:
    ran = tingxie(tmp_path, "web", "--port", "0", "--host", "0.0.0.0", TINGXIE_REDIS_URL=redis_server.url)
    assert ran.returncode == 78
    [line] = ran.stderr.splitlines()
    assert "no API keys" in line
    assert "tingxie keys create" in line


def test_with_keys_they_are(redis_server: RedisServer, tmp_path: Path) -> None:
    server = WebServer(tmp_path, redis_url=redis_server.url, host="0.0.0.0")
    keyring_of(server).create("", [Scope.READ])
    with server:
        assert "no API keys" not in server.log
        assert httpx.get(f"{server.url}/v1/jobs").status_code == 401
