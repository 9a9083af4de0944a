"""Models of the sizes that people serve, with random weights: as fast as the real ones, and nothing to download.

Made once, into bench/models/ (kept out of the repository), each in some seconds.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers import pre_tokenizers
from transformers import (
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from tests.support.speechlike import sound

FOLDER = Path(__file__).parent / "models"
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "|")
#: tokens of wav2vec2-large-xlsr-53-chinese-zh-cn, and the first of as many characters
TOKENS, FIRST_CHARACTER, FIRST_RARE = 3503, 0x4E00, 0x20000
#: of speech's frames, those that say nothing
BLANK_SHARE = 0.8
#: of the multilingual Whisper models, with a timestamp every 0.02 s of 30 s
WHISPER_TOKENS, TIMESTAMPS = 51_865, 1501
MARKERS = ("endoftext", "startoftranscript", "en", "zh", "translate", "transcribe", "startoflm", "startofprev",
           "nospeech", "notimestamps")  # fmt: skip


def default_architecture() -> Path:
    """wav2vec2-large-xlsr-53 with a CTC head for Chinese: 24 layers of 1,024, 1.3 GB in float32."""
    return _made("wav2vec2-large", _make_wav2vec2)


def whisper_small(new_tokens: int) -> Path:
    """Whisper of 12 layers of 768 with the real one's vocabulary size; says as many tokens for each window."""
    return _made(f"whisper-small-{new_tokens}", partial(_make_whisper, new_tokens=new_tokens))


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


def _make_whisper(folder: Path, *, new_tokens: int) -> None:
    tokenizer = _whisper_tokenizer()
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    ids = {marker: tokenizer.convert_tokens_to_ids(f"<|{marker}|>") for marker in MARKERS}
    end, start = ids["endoftext"], ids["startoftranscript"]
    tokens = {"pad_token_id": end, "bos_token_id": end, "eos_token_id": end, "decoder_start_token_id": start}
    size = {"d_model": 768, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072}
    layers = {"encoder_layers": 12, "decoder_layers": 12, "encoder_attention_heads": 12, "decoder_attention_heads": 12}
    model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=WHISPER_TOKENS, **size, **layers, **tokens)).eval()
    model.generation_config = GenerationConfig(
        **tokens,
        max_new_tokens=new_tokens,
        suppress_tokens=[end, *range(WHISPER_TOKENS - TIMESTAMPS - len(MARKERS), WHISPER_TOKENS)],
        is_multilingual=True,
        lang_to_id={f"<|{language}|>": ids[language] for language in ("en", "zh")},
        task_to_id={task: ids[task] for task in ("translate", "transcribe")},
        no_timestamps_token_id=ids["notimestamps"],
        prev_sot_token_id=None,
    )
    model.save_pretrained(folder)


def _whisper_tokenizer() -> WhisperTokenizer:
    """All bytes, then characters, markers and timestamps, as many as the real one has."""
    bytelevel = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    letters = sorted(bytelevel.alphabet())
    count = WHISPER_TOKENS - len(letters) - len(MARKERS) - TIMESTAMPS
    characters = [bytelevel.pre_tokenize_str(chr(FIRST_RARE + number))[0][0] for number in range(count)]
    written = list(dict.fromkeys([*letters, *characters]))
    vocab = {token: number for number, token in enumerate(written)}
    tokenizer = WhisperTokenizer(vocab=vocab, merges=[], pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{marker}|>" for marker in MARKERS]})
    tokenizer.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(TIMESTAMPS)])
    return tokenizer
