"""The whole service on one GPU, from FLAC uploads to transcripts, against the device alone in the same run.

The default architecture with random weights; mono FLAC at 16 kHz, all files sent at once, `tingxie up` with its
defaults. It wants cores enough to decode beside the GPU. Needs all of the service's packages.
"""

import tempfile
import time
from pathlib import Path

import torch

from bench import gpu, recordings
from bench.figure import Figure
from bench.random_weights import default_architecture
from bench.stack import service

#: several seconds of a GPU at thousands × real time
FILES, FILE_S = 24, 1800.0
TIMEOUT_S = 900.0
SHARE = Figure("whole service on the GPU, from FLAC: ÷ device only", None, "", "≥ 0.9")


def measure() -> list[Figure]:
    if not torch.cuda.is_available():
        return [SHARE]
    alone = gpu.device_only(torch.device("cuda"))
    torch.cuda.empty_cache()
    ours = _service(default_architecture(), FILES, FILE_S)
    return [
        Figure("whole service, upload to transcript", ours, "× real time"),
        Figure("device only, net", alone, "× real time"),
        Figure(SHARE.what, ours / alone, SHARE.unit, SHARE.target),
    ]


def _service(model: Path, files: int, file_s: float) -> float:
    """× real time, from the first upload's start to the last transcript."""
    with tempfile.TemporaryDirectory() as name:
        paths = [
            recordings.write(Path(name, f"{number}.flac"), file_s, start_s=3.0 * number) for number in range(files)
        ]
        warming = recordings.write(Path(name, "warming.flac"), 120.0, start_s=300.0)
        with service("--model", str(model)) as client:
            client.wait(client.submit(warming).id, timeout_s=TIMEOUT_S)
            began = time.monotonic()
            for job_id in [client.submit(path).id for path in paths]:
                client.wait(job_id, timeout_s=TIMEOUT_S)
            return files * file_s / (time.monotonic() - began)
