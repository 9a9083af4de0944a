"""Faults 6 and 7: Celery's keys are deleted; each hint is sent twice. A hint only says that there is work."""

import threading
from pathlib import Path

from redis import Redis

from jobs.settings import Settings
from tests.fault.fixtures import doubled_hints
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

#: Celery's and kombu's keys; the ledger's begin with `tingxie:`
CELERY_KEYS = ("tingxie.*", "_kombu.*", "unacked*")
END = "all-is-done"


def test_celerys_keys_are_deleted(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=0, preparers=0, **BRISK) as running:
        outcome = Outcome(running, calm)
        for seed in range(3):
            outcome.submit(wav(30.0, seed))
        deleted = [key for pattern in CELERY_KEYS for key in redis.scan_iter(pattern)]
        assert redis.delete(*deleted) > 0
        running.start("transcribe-1", "tests.support.fake_model")
        running.start("prepare", "tingxie", "worker", "prepare")
        outcome.check("hints")


def test_no_hint_is_acknowledged(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    """Which can fail, and costs a worker its readiness where it does (test_bad_network.py)."""
    commands: list[str] = []

    def listen() -> None:
        with redis.monitor() as monitor:
            for each in monitor.listen():
                commands.append(each["command"])
                if each["command"] == f"ECHO {END}":
                    return

    listening = threading.Thread(target=listen)
    listening.start()
    eventually(lambda: redis.ping() and "PING" in commands)
    with service(settings, tmp_path / "logs") as running:
        running.wait(running.submit_bytes(wav(30.0)))
    redis.echo(END)
    listening.join()
    assert any(command.startswith("BRPOP") for command in commands)
    assert [command for command in commands if command.startswith(("HSET unacked", "HDEL unacked"))] == []


def test_each_hint_is_sent_twice(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    module, slow = doubled_hints.__name__, {SLEEP: "0.005"}
    with service(settings, tmp_path / "logs", transcribers=0, preparers=0, environment=slow, **BRISK) as running:
        running.start("transcribe-1", module)
        running.start("prepare", module, "worker", "prepare")
        running.wait_for_workers(transcribe=1, cpu=1)
        outcome = Outcome(running, calm)
        for seed in range(4):
            outcome.submit(wav(60.0, seed))
        counters = outcome.check()
        assert all(running.processes[name].log.count(doubled_hints.SAID) > 3 for name in ("transcribe-1", "prepare"))
        assert counters["lapsed"] == counters["fenced"] == counters["redone"] == 0
