"""A job's record as the scripts give it, made into the Job that a client reads."""

import json
from typing import Any

from pydantic import ValidationError

from jobs.job import Job, JobRequest, Stage, State

TEXT_CHARACTERS = 1000


def to_job(answer: list[Any]) -> Job:
    """From what `record` in shared/record.lua returns."""
    flat, text, live, position, ahead_s, eta_s = answer
    record = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    request = _request(record["request"])
    state = State(record["state"])
    return Job(
        id=request.id,
        state=state,
        stage=_stage(state, record, int(live)),
        model=request.model,
        revision=record.get("revision"),
        dtype=record.get("dtype"),
        language=request.language,
        filename=request.filename,
        source_url=request.source_url,
        created_at=request.created_at,
        started_at=_float(record.get("started_at")),
        finished_at=_float(record.get("finished_at")),
        duration_s=_duration_s(record),
        covered_s=_covered_s(record),
        skipped_s=_of_a_channel(int(record.get("skipped_samples", 0)), record),
        progress=1.0 if state is State.SUCCEEDED else float(record.get("progress", 0)),
        queue_position=None if position == b"" else int(position),
        queue_ahead_s=_float(ahead_s),
        eta_s=_float(eta_s),
        # the text's last bytes may begin inside a character
        partial_text=text.decode(errors="ignore")[-TEXT_CHARACTERS:],
        warnings=json.loads(record.get("prepare_warnings", "[]")) + json.loads(record.get("finish_warnings", "[]")),
        error=json.loads(record["error"]) if "error" in record else None,
        deduplicated_from=record.get("leader"),
        retry_of=request.retry_of,
        batch_id=request.batch_id,
        priority=request.priority,
        metadata=request.metadata,
        windows_total=int(record.get("registered", 0)),
        windows_done=int(record.get("done", 0)),
    )


def _request(text: str) -> JobRequest:
    """Of another format it is shown as far as it can be read. Raises NewerVersion where it can't."""
    try:
        return JobRequest.model_validate_json(text)
    except ValidationError:
        return JobRequest.read(text)


def to_ended_job(flat: list[str]) -> Job:
    """From the hash of a job that has ended, names and values in turn."""
    return to_job([[text.encode() for text in flat], b"", 0, b"", b"", b""])


def _stage(state: State, record: dict[str, str], live_workers: int) -> Stage | None:
    if state.is_terminal:
        return None
    if "finish" in record:
        return Stage.FINISHING
    if not live_workers:
        return Stage.WAITING_FOR_WORKER
    if state is State.QUEUED:
        return None
    return Stage.TRANSCRIBING if record.get("prepare") == "done" else Stage.PREPARING


def _duration_s(record: dict[str, str]) -> float | None:
    if "total" in record:
        return _of_a_channel(int(record["total"]), record)
    return _float(record.get("duration_s"))


def _covered_s(record: dict[str, str]) -> float:
    if "duration_s" in record:  # restored from the store with its transcript
        return float(record["duration_s"])
    return _of_a_channel(int(record.get("done_samples", 0)), record)


def _of_a_channel(samples: int, record: dict[str, str]) -> float:
    """Samples of the timeline as seconds of the audio; channels that are transcribed apart share them."""
    return samples / int(record.get("channels", 1)) / int(record.get("rate", 1))


def _float(text: str | bytes | None) -> float | None:
    return float(text) if text else None
