"""Small models with random weights, whose output changes often enough that equality means something.

A random head mostly emits one token for ever. So the CTC head's mean score over a reference sound is taken off as a
bias, and Whisper's output matrix is untied from its embeddings, which would repeat the token that came before.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import (
    GenerationConfig,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

RATE = 16_000
SMALL = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
CONVOLUTIONS = {"conv_dim": [32] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")
CHINESE = "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会"
LATIN = "abcdefghijklmnopqrstuvwxyz"
LANGUAGES = ("en", "zh")
#: a third of the real one, so that tests take a third of the time
WHISPER_WINDOW_S = 10


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """Syllables: tones with overtones that change every 0.1 to 0.3 s, noise, now and then a pause. int16 steps."""
    random = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    wave = random.normal(0, 0.003, samples)
    at = 0
    while at < samples:
        length = min(int(random.uniform(0.1, 0.3) * RATE), samples - at)
        if random.random() > 0.12:
            times = np.arange(length) / RATE
            pitch, loudness = random.uniform(80, 2500), random.uniform(0.05, 0.3)
            tone = sum(np.sin(2 * np.pi * pitch * k * times + k) / k for k in (1, 2, 3))
            wave[at : at + length] += loudness * tone * np.hanning(length)
        at += length
    return (np.rint(np.clip(wave, -0.99, 0.99) * 32768) / 32768).astype(np.float32)


def make_ctc(folder: Path, *, norm: str, alphabet: str = CHINESE + LATIN, seed: int = 0) -> Path:
    """A `Wav2Vec2ForCTC` with the default kernels and strides (H 320, RF 400). norm: `layer` or `group`."""
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=norm == "layer")
    return make_network(
        folder, Wav2Vec2ForCTC, extractor, alphabet=alphabet, seed=seed, **SMALL, **CONVOLUTIONS,
        feat_extract_norm=norm, conv_bias=norm == "layer", do_stable_layer_norm=norm == "layer",
    )  # fmt: skip


def make_network(
    folder: Path, network: Any, extractor: Any, *, alphabet: str = CHINESE + LATIN, seed: int = 0, **config: Any
) -> Path:
    """A CTC model of any class of transformers, with its preprocessing and a tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*SPECIALS, "|", *alphabet]
    vocab = folder / "vocab.json"
    vocab.write_text(json.dumps({token: number for number, token in enumerate(tokens)}, ensure_ascii=False))
    Wav2Vec2CTCTokenizer(str(vocab)).save_pretrained(folder)
    extractor.save_pretrained(folder)
    torch.manual_seed(seed)
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    model = network(network.config_class(vocab_size=len(tokens), **ids, **config)).eval()
    features = extractor(sound(20, seed=99), sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        scores = model(features[model.main_input_name]).logits[0]
    with torch.no_grad():
        model.lm_head.bias -= scores.mean(0)
        model.lm_head.bias[0] += 0.5 * scores.std()  # blanks now and then, as in speech
        # From sure to unsure, or all confidences would be those of a guess.
        model.lm_head.weight *= 3 / scores.std()
        model.lm_head.bias *= 3 / scores.std()
    model.save_pretrained(folder)
    return folder


def make_whisper(folder: Path, seed: int = 6) -> Path:
    """A Whisper of two layers with a tokenizer of bytes, two languages and all timestamps.

    seed: of 0 to 8, one of the three whose text has ten distinct tokens in 1 s and without words, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _whisper_tokenizer()
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(chunk_length=WHISPER_WINDOW_S).save_pretrained(folder)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.get_vocab()}
    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(ids), d_model=48, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=96, max_target_positions=64,
        max_source_positions=50 * WHISPER_WINDOW_S,
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=ids["<|startoftranscript|>"],
        tie_word_embeddings=False, init_std=0.3,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config).eval()
    _enliven(model, first_timestamp=ids["<|0.00|>"])
    model.generation_config = GenerationConfig(
        max_length=48, pad_token_id=end, bos_token_id=end, eos_token_id=end,
        decoder_start_token_id=ids["<|startoftranscript|>"], is_multilingual=True,
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")},
        no_timestamps_token_id=ids["<|notimestamps|>"], max_initial_timestamp_index=50, prev_sot_token_id=None,
        alignment_heads=[[0, 0], [1, 1]], suppress_tokens=[end, *_unwritten(tokenizer)], begin_suppress_tokens=[end],
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


def _enliven(model: WhisperForConditionalGeneration, first_timestamp: int) -> None:
    """Take the mean off the last hidden state, or a few tokens win everywhere; keep timestamps rare."""
    extractor = WhisperFeatureExtractor(chunk_length=WHISPER_WINDOW_S)
    features = extractor([sound(seconds, 99) for seconds in (1, 5, 10)], sampling_rate=RATE, return_tensors="pt")
    tokens = torch.randint(first_timestamp, (3, 60))
    with torch.inference_mode():
        outputs = model.model(input_features=features.input_features, decoder_input_ids=tokens)
    hidden = outputs.last_hidden_state.flatten(0, 1)
    with torch.no_grad():
        model.model.decoder.layer_norm.bias -= hidden.mean(0)
        model.proj_out.weight *= 3 / (hidden - hidden.mean(0)).matmul(model.proj_out.weight.T).std()
        model.proj_out.weight[first_timestamp:] *= 0.6


def _whisper_tokenizer() -> WhisperTokenizer:
    """All bytes, so that any text could be written, then the Chinese characters as a token each."""
    bytelevel = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    written = sorted(bytelevel.alphabet()) + [bytelevel.pre_tokenize_str(char)[0][0] for char in CHINESE]
    tokenizer = WhisperTokenizer(vocab={token: number for number, token in enumerate(written)}, merges=[])
    markers = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe"]
    markers += ["startoflm", "startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{marker}|>" for marker in markers]})
    tokenizer.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(50 * WHISPER_WINDOW_S + 1)])
    return tokenizer


def _unwritten(tokenizer: WhisperTokenizer) -> list[int]:
    """Bytes that are no letter by themselves: half of a Chinese character would come out as a replacement mark."""
    kept = {tokenizer.convert_tokens_to_ids(letter) for letter in [*LATIN, "Ġ"]}
    return [number for number in range(len(pre_tokenizers.ByteLevel.alphabet())) if number not in kept]
