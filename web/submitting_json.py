"""POST /v1/jobs with a JSON body: a job made of what is elsewhere, at a URL or in a resumable upload."""

import json

from flask import request

from jobs.hold import upload_hold
from jobs.job import JobOptions
from jobs.submission import Accepted
from web.idempotency import settle
from web.schemas import SubmissionQuery, UploadSubmission, UrlSubmission
from web.services import Services, current_owner
from web.validation import json_body, valid_json


def submit_json(front: Services, query: SubmissionQuery) -> Accepted:
    """The body's fields go before those of the query. Raises InvalidFields, and whatever making the job raises."""
    given = json_body(request)
    settle(json.dumps(given, sort_keys=True))
    if isinstance(given, dict):
        given = {**query.model_dump(exclude_unset=True), **given}
        if "upload_id" in given:
            return _from_upload(front, valid_json(UploadSubmission, given))
    return _from_url(front, valid_json(UrlSubmission, given))


def _from_upload(front: Services, asked: UploadSubmission) -> Accepted:
    front.uploads.find(asked.upload_id, current_owner())
    with upload_hold(front.ledger, asked.upload_id) as hold:
        arrived = front.uploads.find(asked.upload_id, current_owner())
        return front.uploads.make_job(hold, arrived, filename=asked.filename, options=_options(asked))


def _from_url(front: Services, asked: UrlSubmission) -> Accepted:
    options = _options(asked)
    return front.submissions.accept_url(asked.url, filename=asked.filename, options=options, owner=current_owner())


def _options(asked: UploadSubmission | UrlSubmission) -> JobOptions:
    return JobOptions.model_validate(asked.model_dump(include=set(JobOptions.model_fields), exclude_unset=True))
