"""The clients of a load, for locust (`tests/support/clients.py` starts it): each submits a recording, polls until the
job has ended, reads the transcript, and takes the next. locust patches sockets and threads, so this runs alone.

In the environment: LOAD_RECORDINGS, the folder; LOAD_JOBS, how many in all; LOAD_REPORT, the file to write at the end.
"""

import json
import os
from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, events, task
from locust.exception import StopUser

RECORDINGS = sorted(Path(os.environ["LOAD_RECORDINGS"]).iterdir())
JOBS = int(os.environ["LOAD_JOBS"])
REPORT = Path(os.environ["LOAD_REPORT"])
POLL_S = 0.25

numbers = count()
ended: dict[str, str] = {}  # job → state
taken_ms: defaultdict[str, list[float]] = defaultdict(list)
errors: list[str] = []


class Client(FastHttpUser):
    wait_time = constant(0)  # type: ignore[no-untyped-call]

    @task
    def transcribe(self) -> None:
        number = next(numbers)
        if number >= JOBS:
            raise StopUser
        try:
            self._transcribe(RECORDINGS[number % len(RECORDINGS)])
        except Exception as error:  # noqa: BLE001 (told in the report; locust would only log it)
            errors.append(repr(error))
        if len(ended) + len(errors) >= JOBS:
            gevent.spawn(self.environment.runner.quit)  # here it would end this client before the run

    def _transcribe(self, recording: Path) -> None:
        job = self._asked("POST", f"/v1/jobs?filename={recording.name}", "submit", 202, data=recording.read_bytes())
        while job and job["state"] not in ("succeeded", "failed", "cancelled"):
            gevent.sleep(POLL_S)
            job = self._asked("GET", f"/v1/jobs/{job['id']}", "poll", 200)
        if job:
            ended[job["id"]] = job["state"]
            self._asked("GET", f"/v1/jobs/{job['id']}/transcript", "transcript", 200)

    def _asked(self, method: str, path: str, name: str, status: int, **options: Any) -> dict[str, Any] | None:
        """The answer's body; None, and an error in the report, where it isn't the one that is due."""
        with self.client.request(method, path, name=name, catch_response=True, **options) as answer:
            if answer.status_code == status:
                return dict(answer.json())
            answer.failure(f"{answer.status_code}")
            errors.append(f"{name}: {answer.status_code} {answer.error or answer.text}")
            return None


@events.request.add_listener  # type: ignore[untyped-decorator]
def _time(name: str, response_time: float, **_: Any) -> None:
    taken_ms[name].append(response_time)


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _report(**_: Any) -> None:
    REPORT.write_text(json.dumps({"ended": ended, "taken_ms": taken_ms, "errors": errors}))
