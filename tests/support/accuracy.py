"""What a running service hears in recordings whose text is known."""

from pathlib import Path

from demo_model.evaluate import Answer, normalise
from demo_model.heldout import read_index
from tingxie.client import Client


def transcribe_folder(client: Client, folder: Path, *, timeout_s: float) -> list[Answer]:
    """Submit every recording of a folder with references, all at once, and read the transcripts in order.

    Raises TimeoutError where a job takes longer than `timeout_s`, and AssertionError where one doesn't succeed.
    """
    references = read_index(folder)
    jobs = [client.submit(folder / reference.file) for reference in references]
    answers = []
    for reference, job in zip(references, jobs, strict=True):
        ended = client.wait(job.id, timeout_s=timeout_s)
        assert ended.state == "succeeded", (reference.file, ended.error)
        heard = client.transcript_text(job.id)
        answers.append(Answer(reference, normalise(reference.text), normalise(heard)))
    return answers
