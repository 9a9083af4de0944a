"""Bad files are refused with the right error, doubtful ones decode with the right warning."""

import os
import time
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import soundfile

from jobs.errors import (
    AudioEmpty,
    AudioNotFinite,
    AudioTooLong,
    AudioTooManyChannels,
    AudioUnreadable,
    JobError,
)
from worker.decode import open_audio

RATE = 16_000
#: samples of a frame as libFLAC writes it
FLAC_FRAME = 4096


def speechlike(seconds: float) -> np.ndarray:
    random = np.random.default_rng(7)
    time_s = np.arange(round(seconds * RATE)) / RATE
    loudness = 0.2 * (1 + np.sin(2 * np.pi * 0.7 * time_s))
    return (loudness * np.sin(2 * np.pi * 220 * time_s) + 0.002 * random.standard_normal(len(time_s))).astype(
        np.float32
    )


def decode(path: Path, *, max_duration_s: float = 3600) -> tuple[np.ndarray, list[str]]:
    """The samples and the types of the warnings."""
    with open_audio(path, max_duration_s=max_duration_s) as source:
        samples = np.concatenate(list(source.blocks()))
        return samples, [warning["type"] for warning in source.warnings()]


def written(folder: Path, samples: np.ndarray, container: str, subtype: str | None = None) -> Path:
    path = folder / "audio"
    soundfile.write(path, samples, RATE, format=container, subtype=subtype)
    return path


def shortened(path: Path, share: float) -> Path:
    os.truncate(path, int(path.stat().st_size * share))
    return path


def overwritten(path: Path, at_share: float, count: int) -> Path:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * at_share))
        file.write(bytes(count))
    return path


# ---- refused


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "audio").touch()
    with pytest.raises(AudioEmpty):
        decode(tmp_path / "audio")


@pytest.mark.parametrize(
    "content",
    [
        b"Meeting notes, Tuesday\n" * 200,
        b"RIFF\0\0\0\0WAVE",
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        np.random.default_rng(3).bytes(50_000),
    ],
    ids=["text", "riff without format", "picture", "random"],
)
def test_what_is_no_audio(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(content)
    with pytest.raises(AudioUnreadable) as caught:
        decode(path)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.aac\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.aac\n",
    ],
    ids=["hls", "concat"],
)
def test_a_playlist_reads_no_other_file(playlist: str, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "secret.aac"), "w", format="adts") as out:
        sound = out.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(speechlike(1)[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        for piece in av.AudioResampler("fltp", "mono", RATE, frame_size=1024).resample(frame):
            out.mux(sound.encode(piece))
    upload = tmp_path / "speech.m3u8"
    upload.write_text(playlist)
    with pytest.raises(AudioUnreadable):
        decode(upload)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "W64"])
def test_no_samples(container: str, tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        decode(written(tmp_path, np.empty(0, np.float32), container))
    assert isinstance(caught.value, AudioEmpty | AudioUnreadable)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_no_numbers(value: float, channels: int, tmp_path: Path) -> None:
    samples = np.tile(speechlike(10)[:, None], (1, channels))
    samples[-20, -1] = value
    with pytest.raises(AudioNotFinite):
        decode(written(tmp_path, samples, "WAV", "FLOAT"))


def test_too_many_channels(tmp_path: Path) -> None:
    with pytest.raises(AudioTooManyChannels):
        decode(written(tmp_path, np.zeros((100, 9), np.float32), "WAV"))


def test_too_long_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(AudioTooLong):
        open_audio(written(tmp_path, speechlike(3), "WAV"), max_duration_s=2.9)


def test_too_long_only_by_decoding(tmp_path: Path) -> None:
    """A FLAC whose header leaves the length open (STREAMINFO's total samples 0)."""
    path = written(tmp_path, speechlike(20), "FLAC")
    with path.open("r+b") as file:
        file.seek(4 + 4 + 13)  # "fLaC", block header; the count's upper 4 bits share byte 13
        upper = file.read(1)[0] & 0xF0
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([upper, 0, 0, 0, 0]))
    with pytest.raises(AudioTooLong):
        decode(path, max_duration_s=10)
    assert len(decode(path)[0]) == 20 * RATE


@pytest.mark.full  # writing it takes ten seconds
def test_a_small_flac_of_thirty_hours(tmp_path: Path) -> None:
    path = tmp_path / "audio"
    hour = np.zeros(3600 * 8000, np.int16)
    with soundfile.SoundFile(path, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(30):
            file.write(hour)
    assert path.stat().st_size < 4_000_000
    before, started = psutil.Process().memory_info().rss, time.monotonic()
    with pytest.raises(AudioTooLong):
        decode(path, max_duration_s=12 * 3600)
    assert time.monotonic() - started < 2
    assert psutil.Process().memory_info().rss - before < 50_000_000


# ---- accepted with a warning


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "FLAC", "MP3"])
def test_a_file_that_ends_early(container: str, tmp_path: Path) -> None:
    samples, warnings = decode(shortened(written(tmp_path, speechlike(20), container), 0.6))
    assert warnings == ["audio-truncated"]
    assert 8 * RATE < len(samples) < 13 * RATE


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_whole_file_gets_no_warning(container: str, tmp_path: Path) -> None:
    samples, warnings = decode(written(tmp_path, speechlike(20), container))
    assert warnings == []
    assert len(samples) == 20 * RATE


def test_a_wav_whose_writer_did_not_know_the_length(tmp_path: Path) -> None:
    """As ffmpeg writes into a pipe: both sizes 0xFFFFFFFF."""
    path = written(tmp_path, speechlike(5), "WAV")
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = b"\xff" * 4
    path.write_bytes(content)
    samples, warnings = decode(path)
    assert warnings == []
    assert len(samples) == 5 * RATE


def test_damage_in_the_middle_costs_only_the_damaged_place(tmp_path: Path) -> None:
    samples, warnings = decode(overwritten(written(tmp_path, speechlike(20), "MP3"), 0.5, 3000))
    assert warnings
    assert set(warnings) <= {"audio-damaged", "audio-truncated"}
    assert 18 * RATE < len(samples) < 20 * RATE


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_one_wrong_bit_in_a_flac_silences_one_frame(subtype: str, tmp_path: Path) -> None:
    """Its checksum tells; what such a frame decodes to may be noise at full scale."""
    whole = decode(written(tmp_path, speechlike(20), "FLAC", subtype))[0]
    path = tmp_path / "audio"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    samples, warnings = decode(path)
    assert warnings == ["audio-damaged"]
    assert len(samples) == len(whole)
    wrong = np.flatnonzero(samples != whole)
    # What comes between the silence and the first frame that knows its place again stands one frame early.
    assert wrong[-1] - wrong[0] < 4 * FLAC_FRAME
    assert (samples[wrong[0] : wrong[-1] + 1] == 0).sum() >= 0.9 * FLAC_FRAME


def test_later_times_are_right_behind_lost_frames_of_a_flac(tmp_path: Path) -> None:
    path = written(tmp_path, speechlike(20), "FLAC")
    whole = decode(path)[0]
    samples, warnings = decode(overwritten(path, 0.3, 9000))
    assert "audio-damaged" in warnings
    assert len(samples) == len(whole)
    assert np.array_equal(samples[-10 * RATE :], whole[-10 * RATE :])


def test_clipped(tmp_path: Path) -> None:
    assert decode(written(tmp_path, speechlike(5) * 10, "WAV", "PCM_16"))[1] == ["audio-clipped"]


@pytest.mark.parametrize("level", [-32768, -32766, 32766])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_clipped_on_one_side(level: int, subtype: str, tmp_path: Path) -> None:
    samples = np.tile(np.array([0, level], np.float32) / 32768, 5 * RATE)
    assert decode(written(tmp_path, samples, "WAV", subtype))[1] == ["audio-clipped"]
    assert decode(written(tmp_path, samples * 0.999, "WAV", subtype))[1] == []


def test_one_clipped_channel_of_two(tmp_path: Path) -> None:
    samples = np.stack([speechlike(5) * 10, speechlike(5) * 0.1], axis=1)
    assert decode(written(tmp_path, samples, "WAV", "PCM_16"))[1] == ["audio-clipped"]


def test_speech_normalised_to_full_scale_is_not_clipped(tmp_path: Path) -> None:
    samples = speechlike(5)
    assert decode(written(tmp_path, samples / np.abs(samples).max(), "WAV", "PCM_16"))[1] == []


def test_a_float_file_beyond_full_scale_is_not_clipped(tmp_path: Path) -> None:
    samples, warnings = decode(written(tmp_path, speechlike(5) * 1000, "WAV", "FLOAT"))
    assert warnings == []
    assert np.abs(samples).max() > 100


@pytest.mark.parametrize("level", [0.0, 3e-5, 5e-4])
def test_silent(level: float, tmp_path: Path) -> None:
    samples = level * np.random.default_rng(5).uniform(-1, 1, 5 * RATE)
    assert decode(written(tmp_path, samples, "WAV", "PCM_24"))[1] == ["audio-silent"]
