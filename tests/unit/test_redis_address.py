"""TINGXIE_REDIS_URL taken apart, and a Redis behind a Unix socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.broker import CPU_QUEUE, Hinter, make_celery
from jobs.ledger import Ledger
from jobs.ledger.connection import close, connect
from jobs.redis_address import RedisAddress
from jobs.settings import Settings
from tests.support.redis_group import RedisGroup
from tingxie.own_redis import without_password

SECRET = "s3cret/@"
QUOTED = "s3cret%2F%40"


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://host", "redis://host:6379/0"),
        (f"redis://:{QUOTED}@host:7000/3", f"redis://:{QUOTED}@host:7000/3"),
        ("rediss://[::1]/1", "redis://[::1]:6379/1"),
        (f"unix://:{QUOTED}@/run/redis.sock?db=2", f"redis+socket://:{QUOTED}@/run/redis.sock?virtual_host=2"),
        (
            f"sentinel://me:{QUOTED}@a:1,b/4?name=speech",
            f"sentinel://me:{QUOTED}@a:1/4;sentinel://me:{QUOTED}@b:26379/4",
        ),
        ("sentinels://a:1;b:2?name=speech", "sentinel://a:1/0;sentinel://b:2/0"),
    ],
)
def test_as_celery_takes_it(url: str, broker: str) -> None:
    address = RedisAddress.parse(url)
    assert address.broker_url == broker
    assert bool(address.tls) == url.startswith(("rediss", "sentinels"))
    assert SECRET not in repr(address)
    assert "s3cret" not in without_password(url)


def test_a_sentinels_own_password_is_shown_nowhere() -> None:
    url = "sentinel://a:1/0?name=speech&sentinel_user=me&sentinel_password=s3cret"
    assert RedisAddress.parse(url).sentinel_login.arguments == {"username": "me", "password": "s3cret"}
    assert "s3cret" not in repr(RedisAddress.parse(url)) + without_password(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://:s3cret@host", "it begins with"),
        ("redis://:s3cret@host/jobs", "database is a number"),
        ("redis://:s3cret@host:99999", "port is a number"),
        ("redis://:s3cret@a,b", "only a sentinel URL"),
        ("sentinel://:s3cret@a:1,b:2", "name of the master"),
        ("rediss://:s3cret@host?ssl_ca_certs=/ca.pem", "no option ssl_ca_certs"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        Settings(redis_url=url)
    assert "s3cret" not in str(refused.value)


def test_a_certificate_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match=r"there is no file /nowhere\.pem"):
        Settings(redis_ca="/nowhere.pem")


def test_certificates_reach_both(tmp_path: Path) -> None:
    file = tmp_path / "all.pem"
    file.touch()
    settings = Settings(redis_url="rediss://host", redis_ca=str(file), redis_cert=str(file))
    tls = settings.redis.tls
    assert (tls["ssl_ca_certs"], tls["ssl_certfile"], tls["ssl_keyfile"]) == (str(file),) * 3
    assert make_celery(settings).conf.broker_use_ssl == tls
    client = connect(settings.redis)
    assert tls.items() <= client.connection_pool.connection_kwargs.items()
    close(client)


@pytest.fixture
def socket_settings(tmp_path: Path) -> Iterator[Settings]:
    group, path = RedisGroup(tmp_path / "redis"), tmp_path / "r.sock"
    group.start({"unixsocket": str(path)})
    yield Settings(redis_url=f"unix://{path}?db=1")
    group.stop()


def test_a_unix_socket(socket_settings: Settings) -> None:
    ledger, hinter = Ledger.connect(socket_settings), Hinter(make_celery(socket_settings))
    try:
        assert ledger.now() > 0
        assert hinter.cpu(2) == 2
        assert hinter.waiting(CPU_QUEUE) == 2
    finally:
        hinter.close()
        ledger.close()
