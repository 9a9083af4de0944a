"""The warnings that a job's record carries about audio that was decoded all the same."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """`type` is stable: clients may rely on it."""

    type: str
    title: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def truncated(decoded_s: float, declared_s: float | None) -> Notice:
    return Notice(
        "audio-truncated",
        "The file ends early or is damaged",
        f"{_missing(decoded_s, declared_s)} What there is was transcribed.",
    )


def damaged(decoded_s: float, declared_s: float | None) -> Notice:
    return Notice(
        "audio-damaged",
        "Parts of the file can't be decoded",
        f"{_missing(decoded_s, declared_s)} The rest was transcribed; times behind a damaged place may be early.",
    )


def clipped(share: float) -> Notice:
    return Notice(
        "audio-clipped",
        "The recording is clipped",
        f"{share:.2%} of the samples are at full scale: it was recorded too loud, which costs accuracy.",
    )


def silent(peak_dbfs: float) -> Notice:
    level = f"{peak_dbfs:.0f} dBFS" if peak_dbfs > -200 else "digital silence"  # noqa: PLR2004  # below any converter
    return Notice(
        "audio-silent", "The recording is silent", f"Its loudest sample is at {level}: there may be nothing to hear."
    )


def _missing(decoded_s: float, declared_s: float | None) -> str:
    if declared_s is None:
        return f"{decoded_s:.1f} s could be decoded."
    return f"{decoded_s:.1f} s of {declared_s:.1f} s could be decoded."
