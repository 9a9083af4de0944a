"""The service as the ACL user that docs/operations.md gives it, which may do nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis, exceptions

from jobs.job import State
from jobs.ledger import keys
from jobs.settings import Settings
from tests.support.service import service
from tests.support.shell import tingxie
from tests.support.speechlike import wav

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
USER, PASSWORD = "tingxie", "of-this-test"


def rules() -> list[str]:
    """What stands behind `ACL SETUSER tingxie` in the page."""
    found = re.search(r"^user tingxie (.+?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1].replace(">PASSWORD", f">{PASSWORD}").split()


@pytest.fixture
def guarded(redis: Redis, settings: Settings) -> Iterator[Settings]:
    """Settings with that user's login, at the tests' Redis."""
    redis.execute_command("ACL", "SETUSER", USER, "reset", *rules())
    redis.execute_command("ACL", "LOG", "RESET")
    yield settings.model_copy(
        update={"redis_url": settings.redis_url.replace("redis://", f"redis://{USER}:{PASSWORD}@")}
    )
    redis.execute_command("ACL", "DELUSER", USER)


def test_the_service_needs_no_more_than_that(guarded: Settings, redis: Redis, tmp_path: Path) -> None:
    with service(guarded, tmp_path / "logs", web=True, sweep_s=0.5, retention_s=0.2) as running:
        with httpx.Client(base_url=running.url) as http:
            assert http.get("/readyz").is_success
            made = http.post("/v1/jobs", content=wav(5.0), headers={"Content-Type": "audio/wav"})
            assert made.status_code == 202, made.text
            job_id = made.json()["id"]
            events = http.get(f"/v1/jobs/{job_id}/events", timeout=60).text
            assert '"succeeded"' in events
            assert http.get("/metrics").is_success
            assert http.get("/v1/jobs").is_success
        assert running.wait(running.submit_bytes(wav(30.0))).state is State.SUCCEEDED
        assert PASSWORD not in running.logs()
    where = {"TINGXIE_REDIS_URL": guarded.redis_url, "TINGXIE_DATA_DIR": str(guarded.data_dir)}
    assert tingxie("recover", **where).returncode == 0
    assert denied(redis) == []


def denied(redis: Redis) -> list[str]:
    """What was refused to the user, CLIENT SETINFO aside, which redis-py only tries."""
    logged = redis.execute_command("ACL", "LOG")
    return [str(entry) for entry in logged if b"tingxie" in str(entry).encode() and "b'client" not in str(entry)]


def test_every_command_of_a_script_is_among_them() -> None:
    allowed = {rule[1:] for rule in rules() if rule.startswith("+")}
    scripts = "".join(path.read_text() for path in (ROOT / "jobs/ledger/lua").rglob("*.lua"))
    called = {name.lower() for name in re.findall(r"(?:call|pcall)\('([A-Z]+)'", scripts)}
    assert len(called) > 20
    assert called <= allowed


def test_it_may_do_nothing_else(guarded: Settings, redis: Redis) -> None:
    with Redis.from_url(guarded.redis_url) as theirs:
        for command in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("GET", "other"), ("ACL", "LIST")):
            with pytest.raises((exceptions.NoPermissionError, exceptions.ResponseError)):
                theirs.execute_command(*command)
        assert theirs.get(keys.key("ticket")) is None
        assert not theirs.client_unblock(theirs.client_id())
