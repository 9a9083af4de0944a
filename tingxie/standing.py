"""How far a resumable upload (tus 1.0, https://tus.io/protocols/resumable-upload) is, as the server tells."""

from dataclasses import dataclass

#: files from here on are sent resumably: what breaks off in a smaller one is soon sent again
RESUMABLE_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """offset: bytes that the server has. job_id: the job that the upload became, once all of it is there."""

    path: str
    size_bytes: int
    offset: int
    job_id: str = ""

    @property
    def left_bytes(self) -> int:
        return self.size_bytes - self.offset
