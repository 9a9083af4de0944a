"""/v1/jobs/{id}/waveform: what a player draws, without the recording."""

from hashlib import blake2b

from apiflask import APIBlueprint
from flask import Response
from pydantic import ValidationError

from jobs.errors import (
    JobCancelled,
    JobError,
    JobNotFound,
    ObjectMissing,
    Problem,
    WaveformNotFound,
    WaveformNotReady,
)
from jobs.job import Job, State
from jobs.store import layout
from jobs.waveform import Waveform
from web.jobs import retry_after, unless_known, visible_job
from web.openapi import TEXT, answer, errors, takes
from web.problems import error_kinds, problem
from web.services import services

blueprint = APIBlueprint("waveforms", __name__, url_prefix="/v1/jobs", tag="Transcripts")


@blueprint.get("/<job_id>/waveform")
@blueprint.doc(
    responses={
        200: answer("The waveform", {"application/json": Waveform}, headers={"ETag": TEXT}),
        304: answer("It is as you know it", headers={"ETag": TEXT}),
        **errors(503, JobNotFound, WaveformNotFound, WaveformNotReady, JobCancelled, *error_kinds(JobError)),
    },
    operation_id="getWaveform",
    extensions=takes(headers={"If-None-Match": "An `ETag` of before"}),
)
def waveform(job_id: str) -> Response:
    """Get the waveform of a job's recording

    A few thousand peaks whatever the length, from the moment on at which all of it is decoded. Until then 409:
    `waveform-not-ready` with Retry-After, or what ended the job before.
    """
    job = visible_job(job_id)
    try:
        body = services().store.read(layout.waveform(job_id))
        Waveform.model_validate_json(body)  # it isn't synced: a power cut may have left half of it
    except (ObjectMissing, ValidationError):
        return _why_none(job)
    headers = {"ETag": f'"{blake2b(body, digest_size=12).hexdigest()}"', "Cache-Control": "private, no-cache"}
    return unless_known(headers, lambda: Response(body, headers=headers, content_type="application/json"))


def _why_none(job: Job) -> Response:
    if job.state is State.FAILED and job.error:
        return problem(Problem(**job.error), 409)
    if job.state is State.CANCELLED:
        raise JobCancelled(f"Job {job.id} was cancelled before its recording was decoded.")
    if job.state is State.SUCCEEDED:
        raise WaveformNotFound(f"Job {job.id} has a transcript, and no waveform.")
    not_ready = Problem.of(WaveformNotReady(f"The recording of job {job.id} isn't decoded yet."))
    return problem(not_ready, 409, headers={"Retry-After": retry_after(job)})
