"""What a window costs the ledger: Redis's own time, commands, bytes and memory; and the worker's time for its calls.

One Redis, one caller, no queue before either: a limit on paper, not a load test. Redis's time is that of its process
(parsing, scripts, replies, AOF); "inside scripts" counts the commands that the scripts call.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from bench.figure import Figure
from jobs.broker import Hinter, make_celery
from jobs.ledger import Ledger, WindowResult, keys
from jobs.settings import Settings
from tests.support import ledger as given
from tests.support.ledger import RATE_HZ
from tingxie import redis_server

#: ten hours of 19 s windows
WINDOWS = 1895
BATCH = 16
GROUP = 16
KEPT = 19 * RATE_HZ
#: what a 20 s window of speech commits: runs of tokens and their characters
PAYLOAD, TEXT = bytes(760), "一" * 95
WORKERS = 32
REPEATS = 200


@dataclass(slots=True)
class Cost:
    """Of one phase, in all."""

    redis_us: float = 0.0
    script_us: float = 0.0
    commands: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    caller_us: float = 0.0
    memory: float = 0.0
    aof: float = 0.0


class Meter:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @contextmanager
    def phase(self) -> Iterator[Cost]:
        cost = Cost()
        before, began = self._read(), time.process_time()
        yield cost
        cost.caller_us = 1e6 * (time.process_time() - began)
        after = self._read()
        for name in ("redis_us", "script_us", "commands", "received", "sent", "memory", "aof"):
            setattr(cost, name, getattr(after, name) - getattr(before, name))

    def _read(self) -> Cost:
        info: dict[str, Any] = self._redis.info("everything")
        stats = {name: each for name, each in info.items() if name.startswith("cmdstat_")}
        return Cost(
            redis_us=1e6 * (info["used_cpu_user"] + info["used_cpu_sys"]),
            script_us=stats.get("cmdstat_evalsha", {}).get("usec", 0),
            commands=sum(each["calls"] for name, each in stats.items() if name != "cmdstat_evalsha"),
            received=info["total_net_input_bytes"],
            sent=info["total_net_output_bytes"],
            memory=info["used_memory"],
            aof=info.get("aof_current_size", 0),
        )


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        server = redis_server.start(Path(folder, "redis"))
        settings = Settings(redis_url=server.url, data_dir=Path(folder))
        redis, ledger, hinter = Redis.from_url(server.url), Ledger.connect(settings), Hinter(make_celery(settings))
        try:
            _warm(ledger, redis)
            return [*_job(ledger, redis), *_idle(ledger, hinter, Meter(redis))]
        finally:
            hinter.close()
            ledger.close()
            redis.close()
            server.stop()


def _warm(ledger: Ledger, redis: Redis) -> None:
    """Every script sent once, and a job behind us; the workers that claims weigh a batch by are there."""
    given.prepared_job(ledger, 4)
    for number in range(WORKERS):
        ledger.beat(given.worker(f"gpu{number}", idle_slots=0, speed=125.0))
    ledger.commit("gpu0", given.results(given.claim(ledger, "gpu0")))
    given.finish(ledger)
    redis.ping()


def _job(ledger: Ledger, redis: Redis) -> list[Figure]:
    meter = Meter(redis)
    ledger.announce(given.spec())
    ledger.create(given.request())
    unit = given.claim_prepare(ledger)
    windows = given.windows(WINDOWS, kept=KEPT)
    total = WINDOWS * KEPT
    with meter.phase() as registering:
        for first in range(0, WINDOWS, GROUP):
            group = windows[first : first + GROUP]
            ledger.register(unit, group, decoded_s=group[-1].cut_stop / RATE_HZ, duration_s=total / RATE_HZ)
    ledger.prepared(unit, total_samples=total, warnings=[])
    with meter.phase() as transcribing:
        batches = _transcribe(ledger)
    ended = given.finish(ledger)
    each = transcribing
    redis_us = each.redis_us / WINDOWS
    return [
        Figure(f"register, in groups of {GROUP}: Redis, a window", registering.redis_us / WINDOWS, "µs"),
        Figure(f"claim, start, commit at batches of {WINDOWS / batches:.1f}: Redis, a window", redis_us, "µs"),
        Figure("… of that inside scripts", each.script_us / WINDOWS, "µs"),
        Figure("… commands that the scripts call, a window", each.commands / WINDOWS, ""),
        Figure("… bytes to Redis, a window", each.received / WINDOWS, "B"),
        Figure("… bytes from Redis, a window", each.sent / WINDOWS, "B"),
        Figure("… appended to the AOF, a window", each.aof / WINDOWS, "B"),
        Figure("… the caller's own time, a window", each.caller_us / WINDOWS, "µs"),
        Figure("windows a second that would fill one Redis", 1e6 / redis_us, "/s"),
        Figure("memory, a registered window", registering.memory / WINDOWS, "B"),
        Figure("memory, a transcribed window more", each.memory / WINDOWS, "B"),
        Figure("memory, a job that has ended: its record", redis.memory_usage(keys.key("job", job=ended)) or 0, "B"),
        Figure("… its events, for five minutes", redis.memory_usage(keys.key("events", job=ended)) or 0, "B"),
    ]


def _transcribe(ledger: Ledger) -> int:
    """Batch after batch as a worker does it; how many it took."""
    batches = 0
    while leases := given.claim(ledger, f"gpu{batches % WORKERS}", max_windows=BATCH):
        incarnation = f"gpu{batches % WORKERS}"
        assert all(ledger.start(incarnation, leases))
        ledger.commit(incarnation, [WindowResult(lease, PAYLOAD, TEXT) for lease in leases])
        batches += 1
    return batches


def _idle(ledger: Ledger, hinter: Hinter, meter: Meter) -> list[Figure]:
    """What goes on whether there is work or not, with so many workers there."""
    calls: dict[str, Callable[[], object]] = {
        "heartbeat": lambda: ledger.beat(given.worker("gpu0", idle_slots=0, speed=125.0)),
        "reconcile lock, not ours": lambda: ledger.reconcile_lock("gpu1", 60.0),
        f"reap with {WORKERS} workers": ledger.reap,
        f"demand with {WORKERS} workers": ledger.demand,
        "hint": lambda: hinter.transcribe(f"bench{os.getpid()}"),
    }
    ledger.reconcile_lock("gpu0", 600.0)
    figures = []
    for name, call in calls.items():
        call()
        with meter.phase() as cost:
            for _ in range(REPEATS if name != "hint" else 60):
                call()
        count = REPEATS if name != "hint" else 60
        figures.append(Figure(f"{name}: Redis, a call", cost.redis_us / count, "µs"))
        figures.append(Figure("… the caller's own time", cost.caller_us / count, "µs"))
    return figures
