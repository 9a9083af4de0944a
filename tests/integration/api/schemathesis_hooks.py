"""What schemathesis can't know: how audio looks, that a new request has a new key, and that of two headers an upload
needs one. Loaded by it, not by pytest.
"""

import re
import uuid

import schemathesis
from hypothesis import strategies as st

_KEY = re.compile(r"[ -~]{1,257}")
#: a WAV header of 16 kHz, 16 bits, mono, that promises what may follow
_HEADER = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\x7f"

#: the ranges that schemathesis asks for begin within 10,000 bytes
_SILENCE = bytes(10_240)

recordings = st.binary(max_size=64).map(lambda samples: _HEADER + samples + _SILENCE)
schemathesis.openapi.media_type("audio/*", recordings, aliases=["audio/wav"])
schemathesis.openapi.media_type("application/octet-stream", recordings)
schemathesis.openapi.media_type("application/offset+octet-stream", recordings)


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _sent: dict[str, object]) -> None:
    """A key that is generated twice is rightly refused for another request: a valid one is made new each time."""
    if case.headers and _KEY.fullmatch(str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    if case.headers and case.operation.label == "POST /v1/uploads":
        _announce_one_length(case)


def _announce_one_length(case: schemathesis.Case) -> None:
    """A valid request has the upload's length, or says that it isn't known yet."""
    is_valid = case.meta is not None and case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE
    if is_valid and "Upload-Length" in case.headers:
        case.headers.pop("Upload-Defer-Length", None)
    elif is_valid:
        case.headers["Upload-Defer-Length"] = "1"
