"""Any order of calls, by workers alive, dead and undead, with repeats: the invariants hold, and every job ends."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from jobs.errors import AudioUnreadable, JobNotFound, Problem, TingxieError, TooMuchQueued
from jobs.job import JobRequest, State
from jobs.ledger import Caps, FinishUnit, Ledger, PrepareUnit, Refused, WindowLease, keys
from jobs.ledger.scripts import Scripts
from jobs.settings import Settings
from jobs.window import Window
from tests.support import ledger as given
from tests.support.ledger_invariants import TERMINAL, Contents, check
from tingxie.redis_server import RedisServer

WORKERS = st.sampled_from(["ann", "bob", "cy"])
OWNERS = st.sampled_from(["x", "y"])
PRIORITIES = st.sampled_from(["high", "normal", "low"])
#: how far back among what was claimed so far, modulo their number: mostly fresh claims, but any stale one comes up
PICK = st.one_of(st.integers(0, 3), st.integers(0, 50))
#: of six jobs several are of the same audio
AUDIO = st.sampled_from(["1" * 64, "1" * 64, "2" * 64, "3" * 64])
PROBLEM = Problem.of(TingxieError("raised"))


class RecordingScripts(Scripts):
    """Keeps each call, so that any of them can be applied again, at once or much later."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def run(self, name: str, *arguments: str | bytes | float) -> Any:
        self.calls.append((name, arguments))
        return super().run(name, *arguments)


def plan(request: JobRequest) -> list[Window]:
    """The windows that preparing this audio always gives."""
    return given.windows(1 + int(request.sha256, 16) % 5)


def silent(windows: list[Window], request: JobRequest) -> list[int]:
    """Those of them that are left out: of some audio every second one."""
    return [window.index for window in windows if window.index % 2 == 0] if request.sha256[0] == "3" else []


def stands(found: Contents, worker: str, lease: WindowLease) -> bool:
    """Whether this very claim holds the window, or has committed it."""
    index, fence = str(lease.window.index), str(lease.fence)
    holder = found.hash("leases", job=lease.job_id).get(index, "::").split(":", 2)
    result = found.hash("results", job=lease.job_id).get(index, "")
    return [holder[0], holder[2]] == [fence, worker] or result.startswith(f"{fence}:")


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self, url: str, settings: Settings) -> None:
        super().__init__()
        self.redis = Redis.from_url(url)
        self.redis.flushdb()
        self.ledger = Ledger(self.redis, settings)
        self.scripts = RecordingScripts(self.redis)
        self.ledger._scripts = self.scripts
        self.jobs: list[str] = []
        self.deleted: set[str] = set()
        self.ended: dict[str, str] = {}
        self.prepares: list[tuple[str, PrepareUnit]] = []
        self.finishes: list[tuple[str, FinishUnit]] = []
        self.windows: list[tuple[str, WindowLease]] = []
        self.store: set[str] = set()

    @initialize(registered=st.integers(0, 3))
    def begin(self, registered: int) -> None:
        """Two jobs with some windows each, so that a step is seldom spent on nothing."""
        self.announce("r1")
        for priority, audio in (("normal", "1"), ("high", "2")):
            self.create("x", priority, audio * 64)
        for worker in ("ann", "bob"):
            self.claim_prepare(worker)
            self.register(0, registered)

    # ---- what users do
    @rule(owner=OWNERS, priority=PRIORITIES, audio=AUDIO)
    def create(self, owner: str, priority: str, audio: str) -> None:
        if len(self.jobs) < 6:
            retention_s = 1e-6 if audio[0] == "2" else None
            asked = given.request(
                f"job{len(self.jobs)}", owner=owner, priority=priority, sha256=audio, retention_s=retention_s
            )
            caps = Caps(queued_s=35.0, running_s=25.0) if owner == "x" else None
            try:
                entered = self.ledger.create(asked, caps=caps)
            except TooMuchQueued:
                assert not self.ledger.known([asked.id])
                return
            assert entered.is_new
            self.jobs.append(asked.id)

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if self.jobs and pick % 5 == 0:
            self._unless_gone(lambda: self.ledger.cancel(self.jobs[pick // 5 % len(self.jobs)]))

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        if self.jobs and pick % 9 == 0:
            job_id = self.jobs[pick // 9 % len(self.jobs)]
            self.ledger.delete(job_id)
            self.deleted.add(job_id)

    @rule()
    def sweep(self) -> None:
        self.store -= self.deleted
        for job_id in self.ledger.expired():
            assert self.ended.get(job_id) or self.ledger.job(job_id).state.is_terminal
            self.ledger.delete(job_id)
            self.deleted.add(job_id)
            self.store.discard(job_id)

    # ---- what workers do
    @rule(revision=st.sampled_from(["r1", "r1", "r2"]))
    def announce(self, revision: str) -> None:
        self.ledger.announce(given.spec(revision=revision))

    @rule(worker=WORKERS)
    def beat(self, worker: str) -> None:
        self.ledger.beat(given.worker(worker))

    @rule(worker=WORKERS)
    def leave(self, worker: str) -> None:
        self.ledger.leave(worker)

    @rule(worker=WORKERS, noticed=st.booleans())
    def fall_silent(self, worker: str, noticed: bool) -> None:
        given.lapse(self.redis, worker)
        if noticed:
            self.ledger.reap()

    @rule(pick=PICK)
    def time_passes(self, pick: int) -> None:
        """So much that whoever waits for a model that nobody serves has waited too long."""
        if pick % 5:
            return
        served = {spec.key for spec, live in self.ledger.models() if live}
        found = Contents(self.redis)
        records = [found.hash("job", job=job_id) for job_id in self.jobs]
        waiting = [
            each
            for each in records
            if each and each["state"] not in TERMINAL and not {"finish", "leader"} & set(each)
            if each.get("model_key") not in served
        ]
        assert bool(self.ledger.expire_waiting(0.0)) == bool(waiting)

    @rule()
    def redis_restarts(self) -> None:
        self.ledger.reap()
        self.redis.hset("tingxie:rounds", "run", "the run before")
        self.ledger.reap()

    @rule(worker=WORKERS)
    def claim_prepare(self, worker: str) -> None:
        if unit := self.ledger.claim_prepare(worker, given.claim_id()):
            self.prepares.append((worker, unit))

    @precondition(lambda self: self.prepares)
    @rule(pick=PICK, count=st.integers(1, 3))
    def register(self, pick: int, count: int) -> None:
        _, unit = self.prepares[-1 - pick % len(self.prepares)]
        windows = plan(unit.request)[unit.registered : unit.registered + count]
        quiet = silent(windows, unit.request)
        self._unless_refused(lambda: self.ledger.register(unit, windows, silent=quiet, decoded_s=1.0, duration_s=20.0))

    @precondition(lambda self: self.prepares)
    @rule(pick=PICK)
    def prepared(self, pick: int) -> None:
        _, unit = self.prepares[-1 - pick % len(self.prepares)]
        self._unless_refused(lambda: self._prepare_all(unit))

    @precondition(lambda self: self.prepares)
    @rule(pick=PICK, parked=st.booleans(), rest_s=st.sampled_from([0.0, 0.0, 1e-3, 1000.0]))
    def yield_prepare(self, pick: int, parked: bool, rest_s: float) -> None:
        _, unit = self.prepares[-1 - pick % len(self.prepares)]
        self._unless_refused(lambda: self.ledger.yield_prepare(unit, parked=parked, rest_s=rest_s))

    @rule()
    def wake_resting(self) -> None:
        self.ledger.wake_resting()

    @rule(pick=PICK)
    def fail_job(self, pick: int) -> None:
        units = [unit for _, unit in [*self.prepares, *self.finishes]]
        if units and pick % 7 == 0:
            unit = units[pick // 7 % len(units)]
            self._unless_refused(lambda: self.ledger.fail_job(unit, Problem.of(AudioUnreadable())))

    @rule(worker=WORKERS)
    def claim_finish(self, worker: str) -> None:
        if unit := self.ledger.claim_finish(worker, given.claim_id()):
            self.finishes.append((worker, unit))

    @precondition(lambda self: self.finishes)
    @rule(pick=PICK)
    def finished(self, pick: int) -> None:
        _, unit = self.finishes[-1 - pick % len(self.finishes)]
        self._unless_refused(lambda: self._finish(unit))

    @rule(worker=WORKERS, most=st.integers(1, 4), started=st.booleans())
    def claim_windows(self, worker: str, most: int, started: bool) -> None:
        for revision in ("r1", "r2"):
            key = given.spec(revision=revision).key
            leases = given.claim(self.ledger, worker, model_key=key, max_windows=most)
            assert len(leases) <= 1 or not any(lease.suspect for lease in leases)
            self.windows += [(worker, lease) for lease in leases]
            if started and leases:
                self.ledger.start(worker, leases)

    @rule(pick=PICK)
    def start_cpu(self, pick: int) -> None:
        units = [*self.prepares, *self.finishes]
        if units:
            worker, unit = units[-1 - pick % len(units)]
            self.ledger.start(worker, unit)

    @precondition(lambda self: self.windows)
    @rule(pick=PICK)
    def start(self, pick: int) -> None:
        worker, leases = self._leases(pick)
        self.ledger.start(worker, leases)

    @precondition(lambda self: self.windows)
    @rule(pick=PICK)
    def commit(self, pick: int) -> None:
        worker, leases = self._leases(pick)
        found, before = Contents(self.redis), self.ledger.counters()
        answer = self.ledger.commit(worker, given.results(leases))
        assert answer.accepted == sum(stands(found, worker, lease) for lease in leases)
        assert answer.fenced == len(leases) - answer.accepted
        after = self.ledger.counters()
        assert after["committed"] - before["committed"] <= answer.accepted
        assert after["fenced"] - before["fenced"] == answer.fenced

    @precondition(lambda self: self.windows)
    @rule(pick=PICK)
    def hand_back(self, pick: int) -> None:
        worker, leases = self._leases(pick)
        self.ledger.hand_back(worker, leases)

    @precondition(lambda self: self.windows)
    @rule(pick=PICK, alone=st.booleans())
    def fail_window(self, pick: int, alone: bool) -> None:
        worker, lease = self.windows[-1 - pick % len(self.windows)]
        self.ledger.fail_window(worker, lease, PROBLEM, alone=alone)

    @precondition(lambda self: self.windows)
    @rule(pick=PICK)
    def window_missing(self, pick: int) -> None:
        worker, lease = self.windows[-1 - pick % len(self.windows)]
        self.ledger.window_missing(worker, lease)

    # ---- what networks do
    @rule(pick=PICK)
    def repeat_any_call(self, pick: int) -> None:
        """An old packet comes in again; only a create can't, since its client has had no id to delete."""
        calls = [call for call in self.scripts.calls if call[0] != "create"]
        if calls:
            name, arguments = calls[-1 - pick % len(calls)]
            self._unless_refused(lambda: Scripts.run(self.scripts, name, *arguments))

    # ---- what must hold
    @invariant()
    def nothing_is_out_of_place_and_the_end_is_the_end(self) -> None:
        found = Contents(self.redis)
        check(found, self.jobs)
        for job_id in self.jobs:
            state = found.hash("job", job=job_id).get("state")
            assert (state is None) == (job_id in self.deleted)
            assert state is None or state == self.ended.get(job_id, state)
            if state in TERMINAL:
                self.ended[job_id] = state

    def teardown(self) -> None:
        """Whatever happened: once workers work and nobody dies, every job ends."""
        try:
            for worker in ("ann", "bob", "cy"):
                given.lapse(self.redis, worker)
            self.ledger.reap()
            for revision in ("r1", "r2"):
                self.ledger.announce(given.spec(revision=revision))
            while self._work_on():
                pass
            check(Contents(self.redis), self.jobs)
            for job_id in set(self.jobs) - self.deleted:
                state = self.ledger.job(job_id).state
                assert state.is_terminal, f"{job_id} never ends"
                assert state is not State.SUCCEEDED or job_id in self.store
        finally:
            self.redis.close()

    def _work_on(self) -> bool:
        """Do whatever can be claimed; False once there is nothing. Each turn makes progress, so this ends."""
        for job_id in self.redis.zrange(keys.key("resting"), 0, -1):
            self.redis.zadd(keys.key("resting"), {job_id: 1.0})
        self.ledger.wake_resting()
        if unit := self.ledger.claim_prepare("last", given.claim_id()):
            self._prepare_all(unit)
        leases = []
        for revision in ("r1", "r2"):
            leases += given.claim(self.ledger, "last", model_key=given.spec(revision=revision).key)
        self.ledger.commit("last", given.results(leases))
        if finish := self.ledger.claim_finish("last", given.claim_id()):
            self._finish(finish)
        return bool(unit or leases or finish)

    def _finish(self, unit: FinishUnit) -> None:
        """As worker.finish does."""
        if unit.copy_of and unit.copy_of not in self.store:
            self.ledger.transcript_gone(unit)
            return
        if not unit.copy_of:
            assert [window for window, _ in self.ledger.results(unit.job_id)] == plan(unit.request)
        self.store.add(unit.job_id)
        self.ledger.finished(unit, warnings=[])

    def _prepare_all(self, unit: PrepareUnit) -> None:
        windows = plan(unit.request)
        self.ledger.register(unit, windows, silent=silent(windows, unit.request), decoded_s=1.0, duration_s=None)
        self.ledger.prepared(unit, total_samples=windows[-1].cut_stop, warnings=[])

    def _leases(self, pick: int) -> tuple[str, list[WindowLease]]:
        """Up to three leases that one worker was given, old ones too."""
        last = len(self.windows) - pick % len(self.windows)
        worker = self.windows[last - 1][0]
        return worker, [lease for other, lease in self.windows[max(0, last - 3) : last] if other == worker]

    def _unless_refused(self, call: Any) -> None:
        try:
            call()
        except Refused:
            return

    def _unless_gone(self, call: Any) -> None:
        try:
            call()
        except JobNotFound:
            return


def run_machine(server: RedisServer, settings: Settings, *, examples: int, steps: int) -> None:
    low = settings.model_copy(update={"max_deaths": 2, "prepare_ahead_windows": 10})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: LedgerMachine(server.url, low),
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_order_of_calls(redis_server: RedisServer, settings: Settings) -> None:
    run_machine(redis_server, settings, examples=25, steps=40)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_any_order_of_many_calls(redis_server: RedisServer, settings: Settings) -> None:
    run_machine(redis_server, settings, examples=400, steps=80)
