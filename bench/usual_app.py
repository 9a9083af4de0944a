"""The app that most people write first: Flask takes a file, a Celery task runs the pipeline on it, clients poll.

    flask --app bench.usual_app run                         the front end
    celery -A bench.usual_app:queue worker --pool solo      a worker

Kept as it is usually written, for comparison: one task a file, the model loaded by the worker's first task, Celery's
own result as the job's state. Only the waveform comes from soundfile, since ffmpeg isn't everywhere.
"""

import os
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import soundfile
from celery import Celery
from celery.result import AsyncResult
from flask import Flask, jsonify, request

REDIS = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
UPLOADS = Path(os.environ.get("UPLOADS", "uploads"))

queue = Celery("usual", broker=REDIS, backend=REDIS)
queue.conf.worker_prefetch_multiplier = 1
app = Flask(__name__)


@cache
def recogniser() -> Any:
    from transformers import pipeline  # noqa: PLC0415

    return pipeline("automatic-speech-recognition", model=os.environ["MODEL"], chunk_length_s=30)


@queue.task
def transcribe(path: str) -> Any:
    samples, rate = soundfile.read(path, dtype="float32")
    return recogniser()({"raw": samples, "sampling_rate": rate})["text"]


@app.post("/transcribe")
def submit() -> Any:
    path = UPLOADS / str(uuid.uuid4())
    request.files["file"].save(path)
    return jsonify(id=transcribe.delay(str(path)).id), 202


@app.get("/result/<task_id>")
def result(task_id: str) -> Any:
    found: Any = AsyncResult(task_id, app=queue)
    return jsonify(state=found.state, text=found.result if found.successful() else None)
