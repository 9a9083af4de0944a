"""The names of objects in the store; nobody else builds one.

jobs/{id}/job.json         the request as accepted (JobRequest), synced before 202
jobs/{id}/audio            the upload as it came
jobs/{id}/fetched/{n}      a part of the upload that is fetched by URL, and `progress` (worker/fetch.py)
jobs/{id}/windows/{n}      one window's samples, context included (worker/samples.py)
jobs/{id}/waveform.json    the Waveform, as of when its prepare has ended
jobs/{id}/transcript.json  the Transcript, synced before the job says succeeded
models/{key}/…             a model's tokenizer files, written by the worker that announced it, read by finish
batches/{id}/batch.json    a batch as accepted (jobs/batch.py), synced before 202
batches/{id}/items.jsonl   its items, one a line, written before it
batches/{id}/entered.json  every item has become a job, or its error stands here: index → problem
batches/{id}/cancelled     its owner cancelled it
batches/{id}/deleted       its owner deleted it; what is left of it goes too
keys/{id}.json             an API key (ApiKey), its secret only as a hash, synced; a revoked one stays
incoming/{id}/upload.json  a resumable upload's record (jobs/upload.py)
incoming/{id}/parts/{n}-…  what one request wrote of it from byte n on
webhooks/{owner}/{id}.json a secret that signs an owner's webhooks (jobs/webhook.py), synced; owner: a digest
"""

API_KEYS = "keys/"


def job_folder(job_id: str) -> str:
    return f"jobs/{job_id}/"


def job_record(job_id: str) -> str:
    return f"jobs/{job_id}/job.json"


def audio(job_id: str) -> str:
    return f"jobs/{job_id}/audio"


def fetched(job_id: str) -> str:
    return f"jobs/{job_id}/fetched/"


def fetched_part(job_id: str, number: int) -> str:
    return f"jobs/{job_id}/fetched/{number:06d}"


def fetch_progress(job_id: str) -> str:
    return f"jobs/{job_id}/fetched/progress"


def windows(job_id: str) -> str:
    return f"jobs/{job_id}/windows/"


def window(job_id: str, index: int) -> str:
    return f"jobs/{job_id}/windows/{index:06d}"


def waveform(job_id: str) -> str:
    return f"jobs/{job_id}/waveform.json"


def transcript(job_id: str) -> str:
    return f"jobs/{job_id}/transcript.json"


def model_folder(model_key: str) -> str:
    return f"models/{model_key}/"


def api_key(key_id: str) -> str:
    return f"{API_KEYS}{key_id}.json"


def incoming() -> str:
    return "incoming/"


def upload_folder(upload_id: str) -> str:
    return f"incoming/{upload_id}/"


def upload_record(upload_id: str) -> str:
    return f"incoming/{upload_id}/upload.json"


def upload_parts(upload_id: str) -> str:
    return f"incoming/{upload_id}/parts/"


def upload_part(upload_id: str, start: int, writer: str) -> str:
    """`writer` keeps two requests apart that write from the same byte on."""
    return f"incoming/{upload_id}/parts/{start:015d}-{writer}"


def webhook_secrets(owner_digest: str) -> str:
    return f"webhooks/{owner_digest}/"


def webhook_secret(owner_digest: str, secret_id: str) -> str:
    return f"webhooks/{owner_digest}/{secret_id}.json"


def batches() -> str:
    return "batches/"


def batch_folder(batch_id: str) -> str:
    return f"batches/{batch_id}/"


def batch_record(batch_id: str) -> str:
    return f"batches/{batch_id}/batch.json"


def batch_items(batch_id: str) -> str:
    return f"batches/{batch_id}/items.jsonl"


def batch_entered(batch_id: str) -> str:
    return f"batches/{batch_id}/entered.json"


def batch_cancelled(batch_id: str) -> str:
    return f"batches/{batch_id}/cancelled"


def batch_deleted(batch_id: str) -> str:
    return f"batches/{batch_id}/deleted"
