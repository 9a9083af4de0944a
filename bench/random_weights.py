"""Models of the sizes that people serve, with random weights: as fast as the real ones, and nothing to download.

Made once, into bench/models/ (kept out of the repository), each in some seconds.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
)

from tests.support.speechlike import sound

FOLDER = Path(__file__).parent / "models"
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "|")
#: tokens of wav2vec2-large-xlsr-53-chinese-zh-cn, and the first of as many characters
TOKENS, FIRST_CHARACTER = 3503, 0x4E00
#: of speech's frames, those that say nothing
BLANK_SHARE = 0.8


def default_architecture() -> Path:
    """wav2vec2-large-xlsr-53 with a CTC head for Chinese: 24 layers of 1,024, 1.3 GB in float32."""
    return _made("wav2vec2-large", _make_wav2vec2)


def _made(name: str, make: Callable[[Path], None]) -> Path:
    folder = FOLDER / name
    if not folder.exists():
        FOLDER.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=FOLDER) as unfinished:
            made = Path(unfinished, name)
            made.mkdir()
            torch.manual_seed(0)
            make(made)
            made.rename(folder)
    return folder


def _make_wav2vec2(folder: Path) -> None:
    tokens = [*SPECIALS, *(chr(FIRST_CHARACTER + number) for number in range(TOKENS - len(SPECIALS)))]
    (folder / "vocab.json").write_text(json.dumps({token: at for at, token in enumerate(tokens)}, ensure_ascii=False))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(folder)
    config = Wav2Vec2Config(
        vocab_size=TOKENS,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        apply_spec_augment=False,
        pad_token_id=0,
        architectures=["Wav2Vec2ForCTC"],
    )
    model = Wav2Vec2ForCTC(config).eval()
    _enliven(model)
    model.save_pretrained(folder)


def _enliven(model: Wav2Vec2ForCTC) -> None:
    """A random head says one token for ever: take its mean off, and let blanks win as often as in speech."""
    wave = torch.from_numpy(sound(10.0))[None]
    with torch.no_grad():
        scores = model((wave - wave.mean()) / wave.std()).logits[0]
        mean = scores.mean(0)
        lead = (scores - mean)[:, 1:].amax(-1) - (scores - mean)[:, 0]
        model.lm_head.bias -= mean
        model.lm_head.bias[0] += lead.quantile(BLANK_SHARE)
