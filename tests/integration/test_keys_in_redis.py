"""The keys that are really there, while jobs of many kinds come and go, against the header of jobs/ledger/keys.py."""

import re
import signal
from pathlib import Path

from redis import Redis

from jobs.job import State
from jobs.ledger import Caps, keys
from jobs.settings import Settings
from tests.support import ledger as given
from tests.support.fake_model import NAME, SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

#: a model's id or an owner may hold a colon, these can't
IDS = {"job", "key", "priority", "incarnation", "delivery"}
#: their TTL begins with the end of what they are about
TTL_LATER = {"events", "delivery", "delivery_log"}


def pattern_of(key: keys.Key) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", keys.PREFIX + key.pattern)
    names = ["[^:]+" if part in IDS else ".+" for part in parts[1::2]]
    literals = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(each for pair in zip(literals, [*names, ""], strict=True) for each in pair))


#: the longest first: `.+` would match it too
KNOWN = [(pattern_of(key), key) for key in sorted(keys.ALL, key=lambda key: -len(key.pattern))]


def look(redis: Redis) -> set[str]:
    """Check every key that is there now; returns their kinds."""
    found = set()
    for raw in redis.scan_iter(keys.PREFIX + "*", count=1000):
        name = raw.decode()
        kind, ttl_s = redis.type(name).decode(), int(redis.ttl(name))
        if kind == "none" or ttl_s == -2:
            continue  # gone since
        key = next((key for pattern, key in KNOWN if pattern.fullmatch(name)), None)
        assert key is not None, f"{name} isn't in the header"
        assert kind == key.type, name
        passes = key.lives.startswith("TTL") or key.name in TTL_LATER
        assert (ttl_s == -1) != passes or key.name in TTL_LATER, f"{name} has the TTL {ttl_s}"
        found.add(key.name)
    return found


def busy(running: Service, redis: Redis) -> tuple[list[str], set[str]]:
    """Jobs that succeed, share their work, are held back, fail, are cancelled, and ask for what nobody serves."""
    audio = wav(150.0, seed=1)
    ids = [running.submit_bytes(audio), running.submit_bytes(audio, priority="high", retention_s=1000.0)]
    ids += [running.submit_bytes(b"RIFF" + bytes(2000)), running.submit_bytes(wav(60.0, seed=2))]
    running.ledger.create(given.request("capped", model=NAME), caps=Caps(running_s=0.001))
    running.ledger.create(given.request("unserved", model="nobody's"))
    seen = look(redis)
    eventually(lambda: seen.update(look(redis)) or running.job(ids[0]).covered_s > 0, every_s=0.01)
    running.ledger.cancel(ids[3])

    def ended() -> bool:
        seen.update(look(redis))
        return all(running.job(job_id).state.is_terminal for job_id in ids)

    eventually(ended, 90.0, every_s=0.02)
    assert [running.job(job_id).state for job_id in ids[:3]] == [State.SUCCEEDED, State.SUCCEEDED, State.FAILED]
    return [*ids, "capped", "unserved"], seen | look(redis)


def test_the_header_names_what_is_there(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    slow = {SLEEP: "0.02"}
    with service(
        settings, tmp_path / "logs", transcribers=2, preparers=2, dedupe=True, reconcile_s=0.3, environment=slow
    ) as running:
        ids, seen = busy(running, redis)
        assert {"windows", "claimable", "leases", "results", "text", "followers", "events"} <= seen
        assert {"queue", "remaining", "groups", "totals", "turns", "turn_jobs", "serving", "specs", "asked"} <= seen
        assert {"held", "answers", "alive", "workers", "lock", "same", "owner_load", "expiries"} <= seen
        for job_id in ids:
            running.ledger.delete(job_id)
        for name in list(running.processes):
            process = running.kill(name, signal.SIGTERM)
            assert process.wait(30) == 0, process.log
    left = {key.name for key in keys.ALL if key.lives == keys.FOR_EVER or key.lives.startswith("TTL")}
    assert look(redis) <= left, "jobs and workers that are gone left keys behind"
    assert not look(redis) & {
        "queue",
        "remaining",
        "groups",
        "turn_jobs",
        "owner_jobs",
        "expiries",
        "prepare",
        "finish",
    }
