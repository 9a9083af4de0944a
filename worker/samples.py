"""A window object: one window's samples as they lie in the store, a header and 16-bit integers.

    offset  type     meaning
    0       4 bytes  magic and version, b"TXW1"
    4       uint32   number of samples
    8       float64  scale: what one step of the integers is worth (full scale is 1.0)
    16      uint32   CRC-32 of the count, the scale and the samples
    20      int16[]  samples

All little-endian. 20 s at 16 kHz are 640 kB, half of float32.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from jobs.errors import ObjectCorrupt

MAGIC = b"TXW1"
HEAD = struct.Struct("<4sId")
CHECKSUM = struct.Struct("<I")
HEADER_BYTES = HEAD.size + CHECKSUM.size
#: one step of 16-bit PCM, as libsndfile and ffmpeg scale it: int16 / 2**15
PCM16_STEP = 1 / 32768
PCM16 = np.iinfo(np.int16)
#: a softer window is silence: its steps would be smaller than a float32 can be with all its bits
LEAST_PEAK = 1e-30
#: samples of a window, all over it (it may begin in silence), that tell most of those apart that are no 16-bit PCM
PROBED = 1024


def encode(samples: NDArray[np.float32]) -> bytes:
    """Samples (mono, finite, any range) as a window object.

    Lossless where each sample is a 16-bit PCM value, as from a ≤ 16-bit mono file at the model's rate; else the
    window's peak is scaled to full scale, and the error is at most peak / 65534 (a softer one's: LEAST_PEAK / 65534).
    """
    steps, scale = _as_pcm16(samples)
    if steps is None:
        scale = max(float(samples.max()), -float(samples.min()), LEAST_PEAK) / PCM16.max
        scaled = samples / np.float32(scale)
        steps = np.rint(scaled, out=scaled).astype("<i2")
    payload = steps.data.cast("B")
    return b"".join(
        (HEAD.pack(MAGIC, len(samples), scale), CHECKSUM.pack(_checksum(len(samples), scale, payload)), payload)
    )


def unpack(data: bytes) -> tuple[NDArray[np.int16], float]:
    """The integers of a window object and their scale, for whoever multiplies elsewhere. Raises ObjectCorrupt."""
    if len(data) < HEADER_BYTES:
        raise ObjectCorrupt(f"a window object of {len(data)} bytes is shorter than its header")
    magic, count, scale = HEAD.unpack_from(data)
    (checksum,) = CHECKSUM.unpack_from(data, HEAD.size)
    payload = memoryview(data)[HEADER_BYTES:]
    if magic != MAGIC:
        raise ObjectCorrupt(f"a window object starts with {magic!r}, not with {MAGIC!r}")
    if len(payload) != 2 * count or checksum != _checksum(count, scale, payload):
        raise ObjectCorrupt(f"a window object of {count} samples doesn't match its checksum")
    return np.frombuffer(payload, dtype="<i2"), scale


def decode(data: bytes) -> NDArray[np.float32]:
    """The samples of a window object, mono. Raises ObjectCorrupt."""
    steps, scale = unpack(data)
    samples = steps.astype(np.float32)
    # In place: the pages of one more array of this size cost more than the arithmetic.
    samples *= np.float32(scale)
    return samples


def _as_pcm16(samples: NDArray[np.float32]) -> tuple[NDArray[np.int16] | None, float]:
    """The samples as 16-bit PCM, or None where one isn't a whole step. (Multiplying by 2**15 is exact.)"""
    some = samples[:: max(1, len(samples) // PROBED)] * np.float32(32768)
    if not np.array_equal(np.rint(some), some):
        return None, PCM16_STEP
    steps = samples * np.float32(32768)
    whole = np.rint(steps)
    if np.array_equal(whole, steps) and bool(np.all((whole >= PCM16.min) & (whole <= PCM16.max))):
        return whole.astype("<i2"), PCM16_STEP
    return None, PCM16_STEP


def _checksum(count: int, scale: float, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(HEAD.pack(MAGIC, count, scale)))
