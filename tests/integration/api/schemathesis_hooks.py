"""What schemathesis can't know: how bytes that are audio look. Loaded by it (SCHEMATHESIS_HOOKS), not by pytest."""

import schemathesis
from hypothesis import strategies as st

#: a WAV header of 16 kHz, 16 bits, mono, that promises what may follow
_HEADER = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\x7f"

#: the ranges that schemathesis asks for begin within 10,000 bytes
_SILENCE = bytes(10_240)

recordings = st.binary(max_size=64).map(lambda samples: _HEADER + samples + _SILENCE)
schemathesis.openapi.media_type("audio/*", recordings, aliases=["audio/wav"])
schemathesis.openapi.media_type("application/octet-stream", recordings)
schemathesis.openapi.media_type("application/offset+octet-stream", recordings)
