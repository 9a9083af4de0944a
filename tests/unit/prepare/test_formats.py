"""Every container and sample kind decodes to what was put into it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from worker.decode import AudioSource, Resampler, open_audio
from worker.decode.libav import AvDecoder

RATE = 16_000


def _load_maker() -> ModuleType:
    path = Path(__file__).parents[2] / "data/formats/make.py"
    spec = importlib.util.spec_from_file_location("make_formats", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = _load_maker()


def open_for_test(path: Path) -> AudioSource:
    return open_audio(path, max_duration_s=3600)


def decode(path: Path, rate: int = RATE) -> np.ndarray:
    """A file at `rate`, and no warnings about it."""
    with open_for_test(path) as source:
        resampler = Resampler(source.info.sampling_rate_hz, rate)
        samples = np.concatenate([*map(resampler.feed, source.blocks()), resampler.finish()])
        assert source.warnings() == []
    return samples


def tones(seconds: float = 2.0) -> np.ndarray:
    """16-bit values: tones whose pitch and loudness change, so that a shift or a swap would show."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.3 * np.sin(2 * np.pi * (300 + 100 * np.floor(time * 4)) * time) * (1 + np.sin(2 * np.pi * 1.5 * time)) / 2
    return (np.round(wave * 32768) / 32768).astype(np.float32)


def likeness(decoded: np.ndarray, original: np.ndarray) -> float:
    """The best correlation over the delays that codecs add (under 0.1 s)."""
    size = 2 * max(len(decoded), len(original))
    cross = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size)))
    near = np.concatenate((cross[: RATE // 10], cross[-RATE // 10 :]))
    return float(near.max() / (np.linalg.norm(decoded) * np.linalg.norm(original)))


@pytest.mark.parametrize("kind", maker.KINDS, ids=lambda kind: kind.name)
def test_format(kind: object, tmp_path: Path) -> None:
    original = tones()
    made = maker.make(kind, original, RATE, tmp_path)
    anonymous = made.rename(tmp_path / "audio")  # as in the store: no suffix helps
    decoded = decode(anonymous)
    if kind.lossless:  # type: ignore[attr-defined]
        assert np.array_equal(decoded, original)
    else:
        assert abs(len(decoded) - len(original)) < 0.15 * RATE
        assert likeness(decoded, original) > 0.97


#: containers and kinds whose samples are read as 16-bit integers
INTEGERS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_U8"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"), ("FLAC", "PCM_S8"),
    ("AIFF", "PCM_16"), ("AIFF", "PCM_S8"), ("CAF", "PCM_S8"), ("AU", "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("container", "subtype"), INTEGERS)
def test_integers_are_the_samples_that_floats_would_be(container: str, subtype: str, tmp_path: Path) -> None:
    """Bit for bit, so that a job's windows don't depend on how its file is read."""
    path = tmp_path / "audio"
    for channels in (1, 2, 3, 8):
        written = np.random.default_rng(channels).integers(-32768, 32768, (70_000, channels), dtype=np.int16)
        soundfile.write(path, written, RATE, format=container, subtype=subtype)
        table, _ = soundfile.read(path, dtype="float32", always_2d=True)
        total = table[:, 0].copy()
        for channel in range(1, channels):
            total += table[:, channel]
        with open_for_test(path) as source:
            assert np.concatenate(list(source.blocks())).tobytes() == (total / np.float32(channels)).tobytes()
        with open_audio(path, max_duration_s=3600, channel=channels - 1) as source:
            assert np.concatenate(list(source.blocks())).tobytes() == table[:, -1].tobytes()


def test_a_flac_of_24_bits_has_the_samples_that_libsndfile_gives(tmp_path: Path) -> None:
    """Bit for bit, though another library reads it."""
    steps = np.random.default_rng(1).integers(-(2**23), 2**23, (70_000, 2), dtype=np.int32)
    soundfile.write(tmp_path / "audio", steps << 8, RATE, format="FLAC", subtype="PCM_24")
    table, _ = soundfile.read(tmp_path / "audio", dtype="float32", always_2d=True)
    assert decode(tmp_path / "audio").tobytes() == ((table[:, 0] + table[:, 1]) / np.float32(2)).tobytes()


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (RATE, 2)])
def test_rate_or_channels_may_change_in_mid_file(rate: int, channels: int, tmp_path: Path) -> None:
    """As in a broadcast: streams of AAC one behind the other."""
    kind = next(kind for kind in maker.KINDS if kind.name == "adts.aac")
    content = b""
    for part_rate, part_channels in [(RATE, 1), (rate, channels), (RATE, 1)]:
        wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * part_rate) / part_rate)
        samples = np.tile(wave.astype(np.float32)[:, None], (1, part_channels))
        content += maker.make(kind, samples, part_rate, tmp_path).read_bytes()
    (tmp_path / "audio").write_bytes(content)
    decoded = decode(tmp_path / "audio")
    assert abs(len(decoded) - 6 * RATE) < 3 * 0.15 * RATE
    seconds = np.abs(decoded[: 6 * RATE].reshape(6, RATE)).max(axis=1)
    assert np.all(np.abs(seconds - 0.3) < 0.15)  # ffmpeg mixes stereo down louder


def test_an_mp3_is_whole_at_the_ends_of_blocks(tmp_path: Path) -> None:
    """Beginnings of noise borrow bits from frames before them, so whoever seeks gets them wrong."""
    random = np.random.default_rng(7)
    seconds = np.arange(20 * RATE) / RATE
    pulses = 0.1 * random.standard_normal(len(seconds)) * (np.sin(2 * np.pi * 3 * seconds) > 0)
    soundfile.write(tmp_path / "audio", pulses, RATE, format="MP3")
    by_ffmpeg = AvDecoder(tmp_path / "audio")
    expected = np.concatenate(list(by_ffmpeg.blocks()))[:, 0]
    by_ffmpeg.close()
    assert np.allclose(decode(tmp_path / "audio"), expected, rtol=0, atol=1e-4)


def test_amr_wb() -> None:
    decoded = decode(maker.AMR_WB)
    assert len(decoded) == 2 * RATE
    # Half a second of tone, half of silence, twice; the codec's delay smears the edges.
    loud = np.abs(decoded.reshape(4, -1)[:, 2000:-2000]).max(axis=1) > 0.1
    assert loud.tolist() == [True, False, True, False]


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_channels_are_averaged(container: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "audio"
    table = np.stack([tones(0.5) * (channel + 1) / 8 for channel in range(channels)], axis=1)
    soundfile.write(path, table, RATE, format=container, subtype="PCM_24")
    stored, _ = soundfile.read(path, dtype="float64", always_2d=True)
    assert np.allclose(decode(path), stored.mean(axis=1), rtol=0, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_are_averaged_by_ffmpeg(channels: int, tmp_path: Path) -> None:
    table = np.stack([tones(0.5) * (channel + 1) / 2 for channel in range(channels)], axis=1)
    kind = next(kind for kind in maker.KINDS if kind.name == "alac.m4a")
    expected = (np.round(table * 32768) / 32768).mean(axis=1)
    assert np.allclose(decode(maker.make(kind, table, RATE, tmp_path)), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_rates(rate: int, tmp_path: Path) -> None:
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "audio", 0.4 * np.sin(2 * np.pi * 440 * time), rate, format="WAV")
    decoded = decode(tmp_path / "audio")
    expected = 0.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert abs(len(decoded) - RATE) <= 1
    middle = slice(RATE // 10, -RATE // 10)  # the filter rings at the ends
    assert np.allclose(decoded[middle], expected[: len(decoded)][middle], rtol=0, atol=1e-3)


def test_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    """A suffix that lies, one that means headerless samples to libsndfile among them."""
    for name in ("speech.mp3", "speech.raw", "speech.gsm"):
        soundfile.write(tmp_path / "audio", tones(0.5), RATE, format="FLAC")
        assert np.array_equal(decode((tmp_path / "audio").rename(tmp_path / name)), tones(0.5))
