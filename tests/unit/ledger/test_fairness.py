"""Whose turn it is: priority by weight, then owner, then job; nobody starves, idle time earns nothing."""

from collections import Counter

from jobs.ledger import Ledger
from tests.support import ledger as given


def order(ledger: Ledger, claims: int, size: int = 1) -> list[str]:
    """The jobs of the next windows, in the order claimed."""
    taken = []
    for _ in range(claims):
        leases = given.claim(ledger, max_windows=size)
        ledger.commit("gpu", given.results(leases))
        taken += [lease.job_id for lease in leases]
    return taken


def test_priorities_share_six_three_one(ledger: Ledger) -> None:
    jobs = {given.prepared_job(ledger, 100, priority=each): each for each in ("high", "normal", "low")}
    shares = Counter(jobs[job_id] for job_id in order(ledger, 10, size=10))
    assert abs(shares["high"] - 60) <= 1
    assert abs(shares["normal"] - 30) <= 1
    assert abs(shares["low"] - 10) <= 1


def test_a_share_that_nobody_wants_goes_to_the_others(ledger: Ledger) -> None:
    low = given.prepared_job(ledger, 20, priority="low")
    assert order(ledger, 2, size=10) == [low] * 20


def test_owners_take_turns_whatever_the_number_of_their_jobs(ledger: Ledger) -> None:
    jobs = {given.prepared_job(ledger, 20, owner="many"): "many" for _ in range(5)}
    jobs[given.prepared_job(ledger, 20, owner="one")] = "one"
    shares = Counter(jobs[job_id] for job_id in order(ledger, 4, size=10))
    assert shares == {"many": 20, "one": 20}


def test_jobs_of_an_owner_take_turns(ledger: Ledger) -> None:
    first, second = given.prepared_job(ledger, 10), given.prepared_job(ledger, 10)
    assert Counter(order(ledger, 1, size=10)) == {first: 5, second: 5}


def test_turns_are_counted_in_audio(ledger: Ledger) -> None:
    long = given.prepared_job(ledger, 40, kept=2 * given.KEPT)
    short = given.prepared_job(ledger, 80, kept=given.KEPT)
    shares = Counter(order(ledger, 3, size=10))
    assert 18 <= shares[short] <= 22
    assert 8 <= shares[long] <= 12


def test_a_ten_hour_job_never_starves_a_ten_second_one(ledger: Ledger) -> None:
    given.prepared_job(ledger, 1800)
    order(ledger, 20, size=16)
    short = given.prepared_job(ledger, 1)
    assert short in order(ledger, 1, size=2)


def test_a_newcomer_starts_at_par_and_starves_nobody(ledger: Ledger) -> None:
    old = given.prepared_job(ledger, 200)
    order(ledger, 10, size=10)
    new = given.prepared_job(ledger, 100)
    shares = Counter(order(ledger, 2, size=10))
    assert abs(shares[old] - shares[new]) <= 2


def test_among_equals_the_first_to_come_is_the_first_to_be_served(ledger: Ledger) -> None:
    """Whatever their names; those who come while others are served, too."""
    given.prepared_job(ledger, 200)
    order(ledger, 3, size=10)
    names = [f"{7 * number % 40:02}" for number in range(40)]
    for name in names[:20]:
        given.prepared_job(ledger, 1, job_id=name)
    served = order(ledger, 6)
    for name in names[20:]:
        given.prepared_job(ledger, 1, job_id=name)
    served += order(ledger, 60)
    assert [job_id for job_id in served if job_id in names] == names


def test_among_equal_owners_too(ledger: Ledger) -> None:
    owners = [f"owner {number % 7} {number}" for number in range(20)]
    jobs = [given.prepared_job(ledger, 1, owner=owner) for owner in owners]
    assert order(ledger, 20) == jobs


def test_a_job_that_trickles_in_gets_no_more_than_its_share(ledger: Ledger) -> None:
    """Each of its windows comes alone, so it leaves and enters the turns all the time; its name wins all ties."""
    steady = given.prepared_job(ledger, 100)
    ledger.create(given.request("a-trickle"))
    unit = given.claim_prepare(ledger)
    windows = given.windows(40)
    shares: Counter[str] = Counter()
    for window in windows:
        ledger.register(unit, [window], decoded_s=1.0, duration_s=400.0)
        shares.update(order(ledger, 1, size=1))
    assert abs(shares[steady] - shares["a-trickle"]) <= 2


def test_an_owner_who_was_away_has_earned_nothing(ledger: Ledger) -> None:
    back = given.prepared_job(ledger, 1, owner="was away")
    order(ledger, 1)
    present = given.prepared_job(ledger, 300, owner="present")
    order(ledger, 10, size=10)
    back = given.prepared_job(ledger, 100, owner="was away")
    shares = Counter(order(ledger, 2, size=10))
    assert abs(shares[present] - shares[back]) <= 2


def test_jobs_that_share_a_batch_have_half_of_it(ledger: Ledger) -> None:
    given.prepared_job(ledger, 100, kept=2 * given.KEPT)
    batch = 20 * (2 * given.KEPT + 2 * given.CONTEXT)
    assert len(given.claim(ledger, max_samples=batch)) == 20
    short = given.prepared_job(ledger, 1, kept=2 * given.KEPT)
    shared = given.claim(ledger, max_samples=batch)
    assert short in {lease.job_id for lease in shared}
    assert len(shared) == 10


def test_where_work_runs_out_batches_leave_some_for_the_other_workers(ledger: Ledger) -> None:
    for number in range(4):
        ledger.beat(given.worker(f"gpu{number}"))
    given.prepared_job(ledger, 28)
    sizes = []
    while leases := given.claim(ledger, max_windows=8, max_samples=8 * 200_000):
        sizes.append(len(leases))
    assert sizes == [4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]


def test_a_batch_that_is_small_anyway_is_not_split(ledger: Ledger) -> None:
    for number in range(4):
        ledger.beat(given.worker(f"gpu{number}"))
    given.prepared_job(ledger, 10)
    assert len(given.claim(ledger, max_windows=8)) == 8
