"""What a version of the service left in Redis and in its store, as files: to be laid before today's code.

`python -m tests.support.recorded` makes tests/data/side_by_side anew, with the version that runs it; it is meant for a
version before the one under test. In it: a job in the middle, whose transcribe worker was killed with a batch in hand
and whose prepare was given back, and a job that nobody has begun; Celery's messages; the store with audio and windows.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from redis import Redis

from jobs.ledger import keys
from jobs.settings import Settings
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from tingxie import redis_server

FOLDER = Path(__file__).parents[1] / "data/side_by_side"
#: short windows of little audio: the files are to stay small
MIDDLE_S, QUEUED_S = 8.0, 2.0
WINDOWS = {"window_s": 2.0, "context_s": 0.2, "cutting": "fixed"}


def read_keys(redis: Redis) -> dict[str, dict[str, Any]]:
    """Every key with its type and value, but for those that expire, since they will have; bytes are text in Latin-1."""
    readers: dict[str, Callable[[Any], Any]] = {
        "string": redis.get,
        "hash": redis.hgetall,
        "set": redis.smembers,
        "list": lambda key: redis.lrange(key, 0, -1),
        "zset": lambda key: dict(redis.zrange(key, 0, -1, withscores=True)),  # type: ignore[arg-type]
        "stream": redis.xrange,
    }
    found = {}
    for key in redis.scan_iter("*"):
        if int(redis.ttl(key)) > 0:  # type: ignore[arg-type]
            continue
        kind = redis.type(key).decode()  # type: ignore[union-attr]
        found[key.decode("latin-1")] = {"type": kind, "value": _text(readers[kind](key))}
    return found


def write_keys(redis: Redis, found: dict[str, dict[str, Any]]) -> None:
    for key, each in found.items():
        name, value = key.encode("latin-1"), _bytes(each["value"])
        match each["type"]:
            case "string":
                redis.set(name, value)
            case "hash":
                redis.hset(name, mapping=value)
            case "set":
                redis.sadd(name, *value)
            case "list":
                redis.rpush(name, *value)
            case "zset":
                redis.zadd(name, value)
            case "stream":
                for entry, fields in value:
                    redis.xadd(name, fields, id=entry)
            case kind:
                raise AssertionError(kind)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {_text(name): _text(each) for name, each in value.items()}
    return [_text(each) for each in value] if isinstance(value, list | tuple | set) else value


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, dict):
        return {_bytes(name): _bytes(each) for name, each in value.items()}
    return [_bytes(each) for each in value] if isinstance(value, list) else value


def record() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = redis_server.start(folder / "redis")
        try:
            redis = Redis.from_url(server.url)
            settings = Settings(redis_url=server.url, data_dir=folder / "data")
            jobs = _half_done(redis, settings, folder / "logs")
            shutil.copytree(settings.data_dir / "store", FOLDER / "store")
            kept = {"version": version("tingxie"), **jobs, "keys": read_keys(redis)}
            (FOLDER / "redis.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        finally:
            server.stop()


def _half_done(redis: Redis, settings: Settings, logs: Path) -> dict[str, str]:
    """One batch of two windows after the other, until a worker dies in the second."""
    slow = {SLEEP: "0.5", "TINGXIE_BATCH_WINDOWS": "2", "TINGXIE_TRANSCRIBE_THREADS": "1"}
    with service(settings, logs, environment=slow, **BRISK) as running:
        middle = running.submit_bytes(wav(MIDDLE_S), "middle.wav", metadata={"case": "聽"}, **WINDOWS)
        held, done = keys.key("leases", job=middle), keys.key("results", job=middle)
        eventually(lambda: redis.hlen(done) and redis.hlen(held), every_s=0.005)
        running.kill("transcribe-1")
        running.kill("prepare")
        queued = running.submit_bytes(wav(QUEUED_S, seed=1), "queued.wav", **WINDOWS)
    return {"middle": middle, "queued": queued}


if __name__ == "__main__":
    record()
