"""The speaker: text to a 16 kHz waveform with espeak-ng, in one of many voices."""

import io
import random
import subprocess
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 16_000
SPEED_MIN, SPEED_MAX = 110, 220  # espeak-ng's words a minute: 2.5 to 5 Mandarin syllables a second
PITCH_MIN, PITCH_MAX = 30, 70

#: Reads Chinese characters by their pinyin, in Mandarin sounds.
MANDARIN = "cmn-latn-pinyin"
#: espeak-ng 1.51's `cmn` spells the pinyin with English sounds ("三" is "san one"). It isn't Mandarin, but it is what
#: `espeak-ng -v cmn` says on Debian 12, so the model hears some of it too.
SPELLED = "cmn"

#: Never heard in training: a male and a female voice, both plain.
HELD_OUT_VARIANTS = ("m3", "f4")
#: espeak-ng's numbered voices, the ones that most people pick.
MAIN_VARIANTS = ("", "m1", "m2", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f5")
#: Named voices that sound like a person: no whisper, croak or robot.
MORE_VARIANTS = (
    *("Alex", "Alicia", "Andy", "Annie", "Denis", "Diogo", "Gene", "Hugo", "Lee", "Michael", "Mike", "Nguyen"),
    *("adam", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandma", "grandpa"),
    *("john", "linda", "marcelo", "max", "michel", "norbert", "pablo", "paul", "quincy", "rob", "robert"),
    *("shelby", "steph", "steph2", "travis", "victor", "zac"),
)
#: How often a training voice is one of the numbered ones.
MAIN_SHARE = 0.5
#: What may stand between two sentences: nothing, a short pause, a longer one.
JOINTS = ("", "，", "。")


@dataclass(frozen=True)
class Voice:
    """How a text is spoken."""

    name: str
    speed: int
    pitch: int


def draw_voice(rng: random.Random, accent: str, variants: tuple[str, ...]) -> Voice:
    """Draw a voice of one accent; an empty variant is espeak-ng's own voice."""
    variant = rng.choice(variants)
    name = f"{accent}+{variant}" if variant else accent
    return Voice(name, rng.randint(SPEED_MIN, SPEED_MAX), rng.randint(PITCH_MIN, PITCH_MAX))


def draw_training_variants(rng: random.Random) -> tuple[str, ...]:
    """Choose which group a training voice comes from: numbered or named."""
    return MAIN_VARIANTS if rng.random() < MAIN_SHARE else MORE_VARIANTS


def join(sentences: list[str], rng: random.Random) -> str:
    """Put sentences together as espeak-ng's input, with pauses of varied length between them."""
    spoken = sentences[0]
    for sentence in sentences[1:]:
        spoken += rng.choice(JOINTS) + sentence
    return spoken


def speak(text: str, voice: Voice) -> np.ndarray:
    """Speak a text: float32 samples at 16 kHz, within -1 to 1."""
    options = ["-v", voice.name, "-s", str(voice.speed), "-p", str(voice.pitch)]
    done = subprocess.run(
        ["espeak-ng", *options, "-b", "1", "--stdin", "--stdout"],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    # The header of a WAV on standard output has no true length; libsndfile reads to the end.
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    resampled: np.ndarray = soxr.resample(samples, rate, SAMPLE_RATE)
    clipped: np.ndarray = np.clip(resampled, -1.0, 1.0)
    return clipped
