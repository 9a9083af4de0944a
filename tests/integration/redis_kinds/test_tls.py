"""A Redis that speaks TLS only and wants a certificate of its clients: a job, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.job import State
from jobs.settings import Settings
from tests.support.redis_group import HOST, Certificates, RedisGroup, Watched, with_tls
from tests.support.service import service
from tests.support.shell import tingxie
from tests.support.speechlike import wav

PASSWORD = "of-this-test"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.make(tmp_path / "certificates")


@pytest.fixture
def group(tmp_path: Path, certificates: Certificates) -> Iterator[RedisGroup]:
    group = RedisGroup(tmp_path / "redis", with_tls(), certificates, PASSWORD)
    yield group
    group.stop()


def chosen(certificates: Certificates) -> dict[str, str]:
    return {"redis_ca": str(certificates.ca), "redis_cert": str(certificates.client)}


def works(settings: Settings, certificates: Certificates, folder: Path) -> None:
    with service(settings, folder, web=True, **chosen(certificates)) as running:
        assert httpx.get(f"{running.url}/readyz").json()["checks"]["redis"]["ok"]
        assert running.wait(running.submit_bytes(wav(5.0))).state is State.SUCCEEDED
        assert PASSWORD not in running.logs()


def test_a_job_over_tls_and_who_is_refused(group: RedisGroup, certificates: Certificates, tmp_path: Path) -> None:
    port = group.start({})
    settings = Settings(redis_url=f"rediss://:{PASSWORD}@{HOST}:{port}/0", data_dir=tmp_path / "data")
    works(settings, certificates, tmp_path / "logs")

    environment = {"TINGXIE_REDIS_URL": settings.redis_url, "TINGXIE_DATA_DIR": str(tmp_path), "TINGXIE_PORT": "0"}
    unknown = tingxie("web", **environment)
    assert unknown.returncode == 78
    assert "certificate isn't trusted" in unknown.stderr
    assert PASSWORD not in unknown.stderr
    nameless = tingxie("worker", "check", TINGXIE_REDIS_CA=str(certificates.ca), **environment)
    assert nameless.returncode == 1
    assert "can't be reached" in nameless.stderr


@pytest.mark.full
def test_sentinels_over_tls(group: RedisGroup, certificates: Certificates, tmp_path: Path) -> None:
    watched = Watched.start(group)
    url = f"sentinels://:{PASSWORD}@{watched.hosts}/0?name=speech"
    works(Settings(redis_url=url, data_dir=tmp_path / "data"), certificates, tmp_path / "logs")
