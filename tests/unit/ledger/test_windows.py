"""Windows: batches, commits, fences, the ways back, suspects."""

import pytest
from redis import Redis

from jobs.errors import Problem, TingxieError
from jobs.job import State
from jobs.ledger import Committed, Ledger
from jobs.settings import Settings
from tests.support import ledger as given

PROBLEM = Problem.of(TingxieError("the forward raised"))


def indexes(leases: list[given.WindowLease]) -> list[int]:
    return [lease.window.index for lease in leases]


def test_a_batch_keeps_to_its_limits_and_holds_one_at_least(ledger: Ledger) -> None:
    given.prepared_job(ledger, 6)
    assert indexes(given.claim(ledger, max_windows=2)) == [0, 1]
    assert indexes(given.claim(ledger, max_samples=2 * given.KEPT + 4 * given.CONTEXT)) == [2, 3]
    assert indexes(given.claim(ledger, max_samples=1)) == [4]
    assert indexes(given.claim(ledger)) == [5]
    assert given.claim(ledger) == []


def test_a_claim_repeated_is_answered_the_same(ledger: Ledger) -> None:
    given.prepared_job(ledger, 4)
    key = given.spec().key
    first = ledger.claim_windows("gpu", "one", key, max_windows=2, max_samples=1 << 40)
    assert ledger.claim_windows("gpu", "one", key, max_windows=2, max_samples=1 << 40) == first
    assert indexes(ledger.claim_windows("gpu2", "one", key, max_windows=2, max_samples=1 << 40)) == [2, 3]


def test_the_lease_tells_what_the_model_has_to_do(ledger: Ledger) -> None:
    given.prepared_job(ledger, 1, language="de", task="translate", timestamps="word")
    [lease] = given.claim(ledger)
    assert (lease.language, lease.task, lease.timestamps, lease.suspect) == ("de", "translate", "word", False)


def test_only_windows_of_the_model_are_claimed(ledger: Ledger) -> None:
    given.prepared_job(ledger, 1)
    assert given.claim(ledger, model_key=given.spec(model="another").key) == []


def test_committed_once(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 3)
    done = given.results(given.claim(ledger))
    assert ledger.commit("gpu", done[:2]) == Committed(2, 0, [])
    for _ in range(2):
        assert ledger.commit("gpu", done) == Committed(3, 0, [job_id])
    job = ledger.job(job_id)
    assert (job.windows_done, job.covered_s) == (3, 30.0)
    assert ledger.counters()["committed"] == 3


def test_a_zombies_commit_is_fenced(ledger: Ledger, redis: Redis) -> None:
    job_id = given.prepared_job(ledger, 2)
    old = given.claim(ledger, "zombie")
    given.lapse(redis, "zombie")
    assert ledger.reap() == 1
    assert ledger.commit("zombie", given.results(old)) == Committed(0, 2, [])
    new = given.claim(ledger, "gpu")
    assert ledger.commit("zombie", given.results(old)) == Committed(0, 2, [])
    assert ledger.commit("gpu", given.results(new)) == Committed(2, 0, [job_id])
    assert ledger.commit("zombie", given.results(old)) == Committed(0, 2, [job_id])
    counters = ledger.counters()
    assert (counters["committed"], counters["redone"], counters["lapsed"], counters["fenced"]) == (2, 2, 2, 6)


def test_a_lapsed_worker_that_comes_back_in_time_keeps_its_units(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 1)
    leases = given.claim(ledger, "slow")
    given.lapse(redis, "slow")
    ledger.beat(given.worker("slow"))
    assert ledger.reap() == 0
    assert ledger.commit("slow", given.results(leases)).accepted == 1


def test_a_reaped_worker_comes_back_without_its_units(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 1)
    leases = given.claim(ledger, "zombie")
    given.lapse(redis, "zombie")
    ledger.reap()
    ledger.beat(given.worker("zombie"))
    assert ledger.commit("zombie", given.results(leases)).fenced == 1
    assert given.claim(ledger, "zombie") != []


def test_handed_back_counts_for_nothing(ledger: Ledger) -> None:
    given.prepared_job(ledger, 2)
    leases = given.claim(ledger)
    ledger.start("gpu", leases)
    for _ in range(2):
        ledger.hand_back("gpu", leases)
    again = given.claim(ledger, "gpu2")
    assert indexes(again) == [0, 1]
    assert not any(lease.suspect for lease in again)
    ledger.hand_back("gpu", again)  # an old claim's holder hands back what isn't its own
    assert given.claim(ledger, "gpu3") == []


def test_leaving_hands_everything_back(ledger: Ledger) -> None:
    given.prepared_job(ledger, 2)
    ledger.beat(given.worker("gpu"))
    ledger.start("gpu", given.claim(ledger))
    ledger.create(given.request())
    unit = given.claim_prepare(ledger, "gpu")
    ledger.start("gpu", unit)
    for _ in range(2):
        ledger.leave("gpu")
    assert ledger.workers() == []
    assert given.claim_prepare(ledger, "cpu").job_id == unit.job_id
    assert not any(lease.suspect for lease in given.claim(ledger, "gpu2"))
    assert ledger.counters()["lapsed"] == 0


def test_an_old_lease_of_the_same_worker_is_fenced(ledger: Ledger) -> None:
    given.prepared_job(ledger, 1)
    old = given.claim(ledger)
    ledger.hand_back("gpu", old)
    new = given.claim(ledger)
    assert ledger.commit("gpu", given.results(old)).fenced == 1
    assert ledger.commit("gpu", given.results(new)).accepted == 1


def die(ledger: Ledger, redis: Redis, incarnation: str) -> None:
    given.lapse(redis, incarnation)
    assert ledger.reap() == 1


def test_what_was_not_started_is_not_suspected(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 3)
    running, *waiting = given.claim(ledger)
    assert ledger.start("gpu", [running]) == [True]
    die(ledger, redis, "gpu")
    first = given.claim(ledger)
    assert indexes(first) == [running.window.index]
    assert first[0].suspect
    assert indexes(given.claim(ledger)) == indexes(waiting)
    assert ledger.counters()["suspects"] == 1


def test_a_suspect_comes_alone_and_is_cleared_by_a_commit(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 3)
    ledger.start("gpu", given.claim(ledger))
    die(ledger, redis, "gpu")
    for index in range(3):
        leases = given.claim(ledger)
        assert indexes(leases) == [index]
        assert leases[0].suspect
        ledger.commit("gpu", given.results(leases))
    assert ledger.counters()["redone"] == 3
    given.finish(ledger)


def test_a_suspect_never_joins_a_batch_that_has_begun(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 1)
    ledger.start("gpu", given.claim(ledger))
    die(ledger, redis, "gpu")
    given.prepared_job(ledger, 2, owner="another")
    batches = [[(lease.suspect) for lease in given.claim(ledger)] for _ in range(3)]
    assert sorted(batches) == [[False], [False], [True]] or sorted(batches) == [[], [False, False], [True]]


def test_the_last_death_alone_fails_the_job_and_spares_its_neighbours(
    ledger: Ledger, redis: Redis, settings: Settings
) -> None:
    poison = given.prepared_job(ledger, 1, owner="a")
    neighbour = given.prepared_job(ledger, 1, owner="b")
    ledger.start("w0", given.claim(ledger, "w0"))  # in company
    die(ledger, redis, "w0")
    for death in range(settings.max_deaths):
        assert ledger.job(poison).state is State.RUNNING
        name = f"w{death + 1}"
        while (leases := given.claim(ledger, name))[0].job_id != poison:
            ledger.commit(name, given.results(leases))
        assert leases[0].suspect
        ledger.start(name, leases)
        die(ledger, redis, name)
    job = ledger.job(poison)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["type"] == "window-crashed"
    while leases := given.claim(ledger):
        ledger.commit("gpu", given.results(leases))
    assert given.finish(ledger) == neighbour


def test_dying_before_the_start_never_fails_a_job(ledger: Ledger, redis: Redis, settings: Settings) -> None:
    given.prepared_job(ledger, 1)
    for death in range(settings.max_deaths + 2):
        assert not given.claim(ledger, f"w{death}")[0].suspect
        die(ledger, redis, f"w{death}")
    assert len(given.claim(ledger)) == 1


def test_a_forward_that_raises_in_company_makes_suspects_and_alone_fails_the_job(
    ledger: Ledger, settings: Settings
) -> None:
    job_id = given.prepared_job(ledger, 2)
    first, second = given.claim(ledger)
    assert not ledger.fail_window("gpu", first, PROBLEM, alone=False)
    assert not ledger.fail_window("gpu", first, PROBLEM, alone=False)
    ledger.commit("gpu", given.results([second]))
    for death in range(settings.max_deaths):
        [lease] = given.claim(ledger)
        assert lease.suspect
        assert ledger.fail_window("gpu", lease, PROBLEM, alone=True) is (death == settings.max_deaths - 1)
    job = ledger.job(job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["detail"] == "the forward raised"


@pytest.mark.parametrize("kind", ["prepare", "finish"])
def test_a_cpu_unit_that_kills_its_processes_fails_the_job(
    ledger: Ledger, redis: Redis, settings: Settings, kind: str
) -> None:
    if kind == "prepare":
        ledger.announce(given.spec())
        asked = given.request()
        ledger.create(asked)
        job_id = asked.id
    else:
        job_id = given.prepared_job(ledger)
        ledger.commit("gpu", given.results(given.claim(ledger)))
    take = {"prepare": given.claim_prepare, "finish": given.claim_finish}[kind]
    take(ledger, "idle")
    die(ledger, redis, "idle")  # before the start: counts for nothing
    for death in range(settings.max_deaths):
        assert ledger.job(job_id).state is State.RUNNING
        ledger.start(f"w{death}", take(ledger, f"w{death}"))
        die(ledger, redis, f"w{death}")
    job = ledger.job(job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["type"] == f"{kind}-crashed"


def test_a_prepare_that_gets_on_is_not_blamed_for_deaths_on_the_way(
    ledger: Ledger, redis: Redis, settings: Settings
) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request())
    windows = given.windows(10)
    for slice_index in range(settings.max_deaths + 2):
        unit = given.claim_prepare(ledger, "cpu")
        ledger.start("cpu", unit)
        ledger.register(unit, [windows[slice_index]], decoded_s=1.0, duration_s=None)
        die(ledger, redis, "cpu")
    assert given.claim_prepare(ledger).registered == settings.max_deaths + 2
