"""What must be true of the ledger's keys at any moment, whatever was called before."""

import json
from collections import Counter
from typing import Any

from redis import Redis

from jobs.ledger import keys
from jobs.window import Window

TERMINAL = {"succeeded", "failed", "cancelled"}
#: every key with its content, in one round trip
DUMP = """
local read = {
  hash = function(key) return redis.call('HGETALL', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1) end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  string = function(key) return redis.call('GET', key) end,
  stream = function(key) return redis.call('XRANGE', key, '-', '+') end,
}
local found = {}
for _, key in ipairs(redis.call('KEYS', 'tingxie:*')) do
  local kind = redis.call('TYPE', key).ok
  found[key] = {kind, read[kind](key), redis.call('TTL', key)}
end
return cjson.encode(found)
"""


class Contents:
    """The keys of a ledger at one moment; what doesn't exist is empty, as in Redis."""

    def __init__(self, redis: Redis) -> None:
        self.keys: dict[str, Any] = {}
        self.lasting = set[str]()
        for name, (kind, value, ttl_s) in json.loads(redis.eval(DUMP, 0)).items():
            if ttl_s < 0:
                self.lasting.add(name)
            if kind == "stream":
                self.keys[name] = [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in value]
            elif kind == "hash":
                self.keys[name] = dict(zip(value[::2], value[1::2], strict=True))
            else:
                self.keys[name] = value if kind == "string" else set(value)

    def hash(self, name: str, **parts: str) -> dict[str, str]:
        return dict(self.keys.get(keys.key(name, **parts), {}))

    def members(self, name: str, **parts: str) -> set[str]:
        return set(self.keys.get(keys.key(name, **parts), ()))

    def text(self, name: str, **parts: str) -> str:
        return str(self.keys.get(keys.key(name, **parts), ""))


def check(found: Contents, job_ids: list[str]) -> None:
    """Everything below."""
    records = {job_id: found.hash("job", job=job_id) for job_id in job_ids}
    active = {job_id: each for job_id, each in records.items() if each and each["state"] not in TERMINAL}
    for job_id, record in records.items():
        if job_id not in active:
            folder = keys.key("job", job=job_id) + ":"
            assert not [name for name in found.lasting if name.startswith(folder)], f"{job_id} left keys behind"
        if record.get("state") == "succeeded":
            assert record["done_samples"] == record["total"]
    ended = {job_id for job_id, each in records.items() if each.get("state") in TERMINAL and "retention_s" in each}
    assert found.members("expiries") == ended
    workers = {job_id: each for job_id, each in active.items() if "leader" not in each}
    for job_id, record in workers.items():
        check_windows(found, job_id, record)
        check_events(found, job_id, record)
    check_sharing(found, records, active)
    check_caps(found, workers)
    check_holders(found, active)
    check_cpu_units(found, active)
    for model_key in found.hash("specs"):
        check_model(found, model_key, workers)


def check_windows(found: Contents, job_id: str, record: dict[str, str]) -> None:
    """Each registered window is in one place; what is done is counted once, and its text joined in order."""
    windows = {index: Window.decode(int(index), text) for index, text in found.hash("windows", job=job_id).items()}
    results = found.hash("results", job=job_id)
    places = Counter([*results, *found.hash("leases", job=job_id)])
    for name in ("claimable", "suspects", "missing"):
        places.update(found.members(name, job=job_id))
    assert places == Counter(list(windows)), f"{job_id}: windows are nowhere or in two places"
    assert set(windows) == {str(index) for index in range(int(record["registered"]))}
    assert int(record["done"]) == len(results)
    kept = {index: window.cut_stop - window.cut_start for index, window in windows.items()}
    assert int(record["done_samples"]) == sum(kept[index] for index in results)
    assert 0 <= float(record["progress"]) < 1
    prefix = next(index for index in range(len(windows) + 1) if str(index) not in results)
    assert int(record["prefix"]) == prefix
    heard = [index for index in range(prefix) if results[str(index)].partition(":")[2]]
    assert found.text("text", job=job_id) == "".join(f"<{index}>" for index in heard)
    silent = [index for index, result in results.items() if result == "0:"]
    assert int(record.get("skipped_samples", 0)) == sum(kept[index] for index in silent)


def told_text(found: Contents, job_id: str) -> str:
    return "".join(event.get("text", "") for event in found.keys[keys.key("events", job=job_id)])


def check_sharing(found: Contents, records: dict[str, dict[str, str]], active: dict[str, dict[str, str]]) -> None:
    """A follower waits behind a job that works, or for its copy; what is to be shared is there."""
    following: dict[str, set[str]] = {job_id: set() for job_id in active}
    for job_id, record in active.items():
        if "finish" in record and "leader" in record:
            assert record["done_samples"] == record["total"]
        elif "leader" in record:
            assert "leader" not in active[record["leader"]], f"{job_id} follows a follower"
            following[record["leader"]].add(job_id)
            assert not {"prepare", "prepare_holder", "measured"} & set(record)
        folder = keys.key("job", job=job_id) + ":"
        if "leader" in record:
            own = [name for name in found.keys if name.startswith(folder) and name != folder + "events"]
            assert not own, f"the follower {job_id} has units"
            if "finish" not in record:
                assert told_text(found, job_id) == found.text("text", job=record["leader"])
    assert following == {job_id: found.members("followers", job=job_id) for job_id in active}
    for name in found.keys:
        if name.startswith("tingxie:same:"):
            leader = records[found.keys[name]]
            assert name == keys.key("same", owner=leader["owner"], digest=leader["same"])
            assert leader["state"] not in {"failed", "cancelled"}
            assert "leader" not in leader


def check_caps(found: Contents, workers: dict[str, dict[str, str]]) -> None:
    """What an owner's jobs weigh is written down as it is; jobs are held back only behind one that runs."""
    for owner in {record["owner"] for record in workers.values()}:
        mine = {job_id: record for job_id, record in workers.items() if record["owner"] == owner}
        load: Counter[str] = Counter()
        for record in mine.values():
            assert record["weighs_as"] == record["state"]
            load[record["state"]] += int(record["weight"])
            if "total" in record:
                assert int(record["weight"]) == -(-1000 * int(record["total"]) // int(record["rate"]))
        assert {name: int(value) for name, value in found.hash("owner_load", owner=owner).items()} == load
        held_back = found.members("held_back", owner=owner)
        assert held_back == {job_id for job_id, record in mine.items() if record.get("prepare") == "held_back"}
        assert not held_back or "running" in load
    owners = {name.split(":")[2] for name in found.keys if name.startswith("tingxie:owner:") and "jobs" not in name}
    assert owners <= {record["owner"] for record in workers.values()}


def check_events(found: Contents, job_id: str, record: dict[str, str]) -> None:
    """What was told adds up to what is so. These jobs are too small for anything to be trimmed."""
    events = found.keys[keys.key("events", job=job_id)]
    assert [event["state"] for event in events if "state" in event][-1] == record["state"]
    assert told_text(found, job_id) == found.text("text", job=job_id)
    progress = [float(event["progress"]) for event in events if "progress" in event]
    assert progress == sorted(progress)
    assert keys.key("events", job=job_id) in found.lasting


def check_holders(found: Contents, active: dict[str, dict[str, str]]) -> None:
    """Each lease is held by a registered incarnation, and nothing else is held."""
    leased = set()
    for job_id, record in active.items():
        for index, lease in found.hash("leases", job=job_id).items():
            leased.add((lease.split(":", 2)[2], f"window:{job_id}:{index}"))
        for kind in ("prepare", "finish"):
            if record.get(kind) == "leased":
                leased.add((record[f"{kind}_holder"], f"{kind}:{job_id}"))
    prefix = keys.key("held", incarnation="")
    holders = [name.removeprefix(prefix) for name in found.keys if name.startswith(prefix)]
    held = {(holder, unit) for holder in holders for unit in found.members("held", incarnation=holder)}
    assert held == leased
    assert {holder for holder, _ in held} <= found.members("alive")


def check_cpu_units(found: Contents, active: dict[str, dict[str, str]]) -> None:
    """Ready units stand in their set; a complete job has its finish up."""
    for kind in ("prepare", "finish"):
        assert found.members(kind) == {job_id for job_id, record in active.items() if record.get(kind) == "ready"}
    assert found.members("resting") <= set(active)
    for record in active.values():
        if "leader" in record:
            continue
        complete = record.get("prepare") == "done" and record["done"] == record["registered"]
        assert complete == ("finish" in record)
        assert "model_key" not in record or "prepare" in record


def check_model(found: Contents, key: str, active: dict[str, dict[str, str]]) -> None:
    """The queue, what remains, the totals and the turns agree with the jobs of a model."""
    jobs = {job_id: record for job_id, record in active.items() if record.get("model_key") == key}
    remaining, totals = found.hash("remaining", key=key), found.hash("totals", key=key)
    assert found.members("queue", key=key) == set(remaining) == set(found.hash("groups", key=key)) == set(jobs)
    assert int(totals.get("backlog", 0)) == sum(int(left) for left in remaining.values())
    for job_id, record in jobs.items():
        guessed = int(float(record["expected_s"]) * int(record["rate"]))
        length = int(record.get("total", max(guessed, int(record["registered_stop"]))))
        assert int(remaining[job_id]) == max(0, length - int(record["done_samples"]))
    waiting = {
        job_id: len(found.members("claimable", job=job_id)) + len(found.members("suspects", job=job_id))
        for job_id in jobs
    }
    assert int(totals.get("claimable", 0)) == sum(waiting.values())
    turns = {(record["priority"], record["owner"], job_id) for job_id, record in jobs.items() if waiting[job_id]}
    standing = set()
    for priority in ("high", "normal", "low"):
        for owner in found.members("turn_owners", key=key, priority=priority):
            mine = found.members("turn_jobs", key=key, priority=priority, owner=owner)
            assert mine, "an owner without a job stands in the turns"
            standing |= {(priority, owner, job_id) for job_id in mine}
    assert standing == turns
