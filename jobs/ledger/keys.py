"""Every key of the ledger in Redis: pattern, type, lifetime, meaning, and who writes it. Nobody else builds one.

All times are Redis's clock in seconds; samples are counted at the model's rate. "Owner" below is the API key's name.
The Lua scripts get the builders from this table too (`lua_builders`), so a pattern stands here and nowhere else.
No Redis Cluster: the scripts touch keys that they find on the way.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One kind of key. `parts` go into `tingxie:` + name (+ `:` + part)*, with `suffix` last.

    by: the scripts that write it, or the side that does.
    """

    name: str
    pattern: str
    type: str
    lives: str
    meaning: str
    by: str = ""


#: how long something lives: only what says otherwise has a TTL in Redis
UNTIL_END = "until its job ends"
FOR_EVER = "for ever"

ALL = (
    # ---- one job
    Key("job", "job:{job}", "hash", "until the job is deleted",
        "the record. request, options (JSON), format (of the request, where it isn't 1), owner, "
        "priority, model, ticket (arrival), state, created_at, entered_at, "
        "started_at, prepared_at, complete_at (both until its end), finished_at, error, same (digest of what its "
        "transcript follows from), leader (the job whose work it shares), retention_s, prepare_warnings, "
        "finish_warnings (JSON), failed_by (unit:fence), last_event (id, once it has ended); "
        "caps (ms): weight, weighs_as (queued, running), running_cap; pinned: "
        "model_key, revision, dtype, rate; audio: expected_s, measured (1: expected_s comes from decoding), "
        "duration_s (only of jobs restored from the store), decoded_s, registered, registered_stop, "
        "total (samples), channels (that lie one after another on the timeline), done, done_samples, skipped_samples "
        "(of those: silence left out on purpose), prefix (windows done without a gap), progress, turn (tag among its "
        "owner's jobs); "
        "units: prepare and finish (ready, leased, parked, held_back, done), each with _fence, _holder, _started, "
        "_deaths, and prepare_slices; repair (generation of missing windows), prepare_repair (the one that the "
        "running prepare mends), repairs (rounds); charged (ms, quota.lua)", by="create, restore and every transition"),
    Key("windows", "job:{job}:windows", "hash", UNTIL_END, "index → start:stop:left:right (samples)", by="register"),
    Key("claimable", "job:{job}:claimable", "zset", UNTIL_END, "indexes of windows to claim, by index",
        by="whatever offers or takes windows"),
    Key("suspects", "job:{job}:suspects", "zset", UNTIL_END, "indexes of windows to claim alone, by index",
        by="the same"),
    Key("missing", "job:{job}:missing", "set", UNTIL_END, "indexes of windows whose object prepare must write again",
        by="window_missing, prepared"),
    Key("leases", "job:{job}:leases", "hash", UNTIL_END, "index → fence:started (0, 1):incarnation, while leased",
        by="claim_windows, start, commit and the ways back"),
    Key("marks", "job:{job}:marks", "hash", UNTIL_END,
        "index → -1: its lease lapsed once before the start; n ≥ 0: suspect, with n deaths alone",
        by="reap, fail_window, commit"),
    Key("results", "job:{job}:results", "hash", UNTIL_END,
        "index → fence:payload, of finished windows; no payload: silence, for certain. Fence 0: it was left out",
        by="commit, register"),
    Key("text", "job:{job}:text", "string", UNTIL_END, "the windows' own texts, joined as far as there is no gap",
        by="commit"),
    Key("later_text", "job:{job}:later_text", "hash", UNTIL_END, "index → text of finished windows behind a gap",
        by="commit"),
    Key("followers", "job:{job}:followers", "zset", UNTIL_END, "jobs that share its work, by arrival (sharing.lua)",
        by="create, and the end of a job"),
    Key("events", "job:{job}:events", "stream", "TTL from its job's end on: 5 minutes",
        "what happened, for those who follow it, the last 500 or so: state, stage, progress, text, error (events.lua)",
        by="every transition"),
    Key("attending", "job:{job}:attending", "zset", "TTL: until the last of them is over",
        "requests that wait for its transcript on an open connection, by the end of their lease",
        by="join, attend, abandon"),
    # ---- one model (key: ModelSpec.key)
    Key("queue", "model:{key}:queue", "zset", FOR_EVER, "unfinished jobs by priority, then arrival",
        by="create, announce, the end of a job"),
    Key("remaining", "model:{key}:remaining", "hash", FOR_EVER, "unfinished job → samples yet to be committed",
        by="register, prepared, commit"),
    Key("groups", "model:{key}:groups", "hash", FOR_EVER, "unfinished job → priority:owner", by="as queue"),
    Key("totals", "model:{key}:totals", "hash", FOR_EVER,
        "claimable: windows; backlog: sum of remaining; served_at: last beat of a worker that serves it; "
        "runs_since, runs_until: the last start or commit of a batch, the latest expected end of one",
        by="those of claimable and remaining; beat; start, commit"),
    Key("turns", "model:{key}:turns", "hash", FOR_EVER,
        "virtual clocks and tags, in weighted samples. p:{priority}, o:{priority}:{owner}: tags of those that wait; "
        "clock, clock:{priority}, clock:{priority}:{owner}: the tag served last on each level; par:…: the tag at which "
        "somebody started there last",
        by="claim_windows, and whatever offers windows"),
    Key("turn_owners", "model:{key}:owners:{priority}", "zset", FOR_EVER, "owners with claimable windows, by tag",
        by="the same"),
    Key("turn_jobs", "model:{key}:jobs:{priority}:{owner}", "zset", FOR_EVER, "jobs with claimable windows, by tag",
        by="the same"),
    Key("serving", "model:{key}:serving", "zset", FOR_EVER, "incarnations that serve it, by end of their lease",
        by="beat, leave, reap"),
    Key("speeds", "model:{key}:speeds", "hash", FOR_EVER, "incarnation → seconds of audio per second",
        by="beat, leave, reap"),
    Key("announced", "announced:{model}", "zset", FOR_EVER, "keys of the specs of a model id, by announcement",
        by="announce"),
    Key("asked", "asked:{model}", "zset", FOR_EVER, "jobs that no spec could be pinned to yet, as in `queue`",
        by="create, announce"),
    Key("unpinned", "unpinned", "zset", FOR_EVER, "the same over all model ids, by entered_at", by="create, announce"),
    Key("specs", "specs", "hash", FOR_EVER, "model key → ModelSpec (JSON)", by="announce"),
    # ---- CPU units, over all models
    Key("prepare", "prepare", "zset", FOR_EVER, "jobs whose prepare is claimable; the lowest goes first (cpu.lua)",
        by="create, yield_prepare, the ways back; claim_prepare"),
    Key("resting", "resting", "zset", FOR_EVER, "jobs whose parked prepare is claimable again at this time",
        by="yield_prepare, wake_resting"),
    Key("finish", "finish", "zset", FOR_EVER, "jobs whose finish is claimable, by time",
        by="commit, prepared; claim_finish"),
    # ---- workers
    Key("alive", "alive", "zset", FOR_EVER, "incarnations by the end of their lease",
        by="beat and every claim; leave, reap"),
    Key("workers", "workers", "hash", FOR_EVER, "incarnation → WorkerInfo (JSON)", by="beat, leave, reap"),
    Key("held", "held:{incarnation}", "set", "until it leaves or lapses",
        "its units: window:{job}:{index}, prepare:{job}, finish:{job}", by="every claim; what gives a unit back"),
    Key("answers", "answers:{incarnation}", "hash", "until it leaves or lapses",
        "claim → what it was given (JSON), to be repeated; of the last claims only (base.lua)", by="every claim"),
    Key("answered", "answered:{incarnation}", "list", "until it leaves or lapses", "those claims, newest first",
        by="every claim"),
    Key("rounds", "rounds", "hash", FOR_EVER,
        "reap's memory. run: Redis's run_id; last: its last round; from: nothing is taken for dead before this; "
        "waited: 1 until it does again", by="reap"),
    Key("lock", "reconcile-lock", "string", "TTL: as asked", "the incarnation that reconciles", by="reconcile_lock"),
    # ---- webhooks
    Key("webhooks_due", "webhooks:due", "zset", FOR_EVER,
        "deliveries by when an attempt is due; one in hand by the end of its lease",
        by="the end of a job, claim_delivery, report_delivery"),
    Key("delivery", "webhook:{delivery}", "hash", "TTL: 7 days after it has ended",
        "id, owner, job, url, type, record (of the job at its end, a JSON list), state (pending, delivered, failed, "
        "disabled), attempts (of this round), created_at, next_at, ended_at, fence, holder, reported (fence of the "
        "last report)", by="the end of a job, claim_delivery, report_delivery, replay_delivery"),
    Key("delivery_log", "webhook:{delivery}:log", "list", "as its delivery", "its attempts (JSON), oldest first",
        by="report_delivery"),
    Key("owner_deliveries", "owner:{owner}:webhooks", "zset", "an entry: 30 days", "an owner's deliveries by creation",
        by="the end of a job, test_delivery"),
    Key("endpoints_gone", "owner:{owner}:webhooks_gone", "hash", "until a replay to it",
        "URL → when its receiver said 410", by="report_delivery, replay_delivery"),
    # ---- batches
    Key("batch", "batch:{batch}", "hash", "until the batch is deleted",
        "head (Batch as JSON), owner, created_at, items, stage (entering, entered, cancelling, cancelled, deleting), "
        "next (items that were turned into jobs or refused so far), refused_left (bad lines of the manifest that are "
        "yet to come up); its items' jobs are {batch} and the index in six digits",
        by="create_batch, batch_step, turn_batch"),
    Key("batch_errors", "batch:{batch}:errors", "hash", "until the batch is deleted",
        "index → problem (JSON) of items that became no job, bad lines of the manifest aside",
        by="batch_step, put_batch_errors"),
    Key("open_batches", "open-batches", "zset", FOR_EVER, "batches that front ends have work on, by created_at",
        by="create_batch, turn_batch, forget_batch"),
    Key("owner_batches", "owner:{owner}:batches", "zset", FOR_EVER, "an owner's batches by created_at",
        by="create_batch, turn_batch"),
    # ---- the rest
    Key("named_lock", "lock:{name}", "string", "TTL: as asked",
        "who holds it; upload:{id}: the request that works on a resumable upload; "
        "batch:{id}: the front end that works on a batch", by="front ends"),
    Key("owner_jobs", "owner:{owner}:jobs", "zset", FOR_EVER, "an owner's jobs by created_at, ended ones included",
        by="create, restore, delete"),
    Key("owner_load", "owner:{owner}:load", "hash", "while it has unfinished jobs",
        "queued, running: milliseconds of audio of its jobs in that state, whole jobs (caps.lua)",
        by="create, claim_prepare, register, prepared, the end"),
    Key("held_back", "owner:{owner}:held_back", "zset", "while such jobs wait",
        "queued jobs that wait until fewer of their owner's run; the lowest goes first",
        by="claim_prepare, the end of a job"),
    Key("same", "same:{owner}:{digest}", "string", "until its job is deleted, cancelled or fails",
        "the job that leads those of the same audio and options", by="create, and the end of a job"),
    Key("attempt", "attempt:{owner}:{digest}", "hash", "TTL: a day",
        "what is known of requests under an idempotency key: fingerprint of what was asked, creates (an id); once it "
        "is answered, status, headers (JSON), body", by="attempt_tell, attempt_end"),
    Key("attempt_hold", "attempt:{owner}:{digest}:hold", "string", "TTL: 30 s, renewed",
        "token of the request that is at it", by="attempt_begin, attempt_renew, attempt_end"),
    Key("requests", "requests:{identity}:{window}", "string", "TTL: two windows",
        "requests that front ends have taken of a minute (since the epoch) of a key's or an address's limit",
        by="front ends"),
    Key("quota", "quota:{owner}", "hash", "until a key without one is used",
        "day, month: milliseconds of audio, from the owner's key that was used last", by="front ends"),
    Key("usage", "usage:{owner}", "hash", "TTL from the last charge on: 100 days",
        "day since the epoch (UTC) → milliseconds of audio charged", by="prepared"),
    Key("keys_used", "keys:used", "hash", FOR_EVER, "API key (its id) → when it was last used, to the minute",
        by="front ends"),
    Key("expiries", "expiries", "zset", FOR_EVER, "ended jobs that are to be deleted, by when",
        by="the end of a job, restore, delete"),
    Key("transcription", "transcription:{owner}:{digest}", "string", "TTL: 1 hour after the last request",
        "the job of such requests with the same audio and options, and since when: job:time (join.lua)", by="join"),
    Key("ticket", "ticket", "string", FOR_EVER, "the counter of arrivals and fences",
        by="create, restore and every claim"),
    Key("counters", "counters", "hash", FOR_EVER,
        "for metrics: committed, redone, lapsed, fenced, suspects, hints; created, and jobs by how they ended; "
        "webhook_{outcome}: attempts",
        by="commit, reap, fail_window, count; create, the end of a job; report_delivery"),
    Key("failures", "failures", "zset", "an entry: an hour, or until its job is deleted",
        "type:job of the jobs that failed last, 1,000 at most, by when", by="the end of a job, delete"),
    Key("stages", "stages", "hash", FOR_EVER,
        "for metrics: {stage}:{n}, jobs by how long a stage of theirs took, between two bounds; {stage}:ms, the sum "
        "(jobs.lua)", by="the end of a job that succeeded"),
    Key("counted", "counted:{call}", "string", "TTL: 10 minutes", "a call whose count was made", by="commit, count"),
)  # fmt: skip

PREFIX = "tingxie:"
_PATTERNS = {key.name: PREFIX + key.pattern for key in ALL}


def key(name: str, **parts: str) -> str:
    """The key called `name`: `key("job", job="…")`."""
    return _PATTERNS[name].format(**parts)


def lua_builders() -> str:
    """The same builders for the scripts: `K.turn_jobs(model_key, priority, owner)`, parts in the pattern's order."""
    return "local K = {}\n" + "".join(_lua_builder(each) for each in ALL)


def _lua_builder(each: Key) -> str:
    literal, *rest = (PREFIX + each.pattern).split("{")
    names, body = [], [f"'{literal}'"]
    for piece in rest:
        name, _, following = piece.partition("}")
        names.append(name)
        body += [name] + ([f"'{following}'"] if following else [])
    return f"function K.{each.name}({', '.join(names)}) return {' .. '.join(body)} end\n"
