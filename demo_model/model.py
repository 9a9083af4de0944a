"""The network: a small `Wav2Vec2ForCTC`, its processor, and the Hugging Face folder that holds both."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from demo_model.grammar import Grammar
from demo_model.speech import SAMPLE_RATE

SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "|")
BLANK = 0
KERNELS, STRIDES = (16, 10, 8, 8), (8, 5, 4, 4)
HOP = 640  # samples from one frame to the next: the product of the strides
SEEN = 1_488  # samples that one frame sees: 1 + 15 + 9·8 + 7·40 + 7·160


def vocabulary() -> dict[str, int]:
    """Number the specials and the characters of the language; the padding is CTC's blank."""
    return {token: number for number, token in enumerate([*SPECIALS, *Grammar.load().characters()])}


def frame_counts(samples: torch.Tensor) -> torch.Tensor:
    """Say how many frames the network makes of so many samples."""
    return torch.clamp(torch.div(samples - SEEN, HOP, rounding_mode="floor") + 1, min=0)


def new_model() -> Wav2Vec2ForCTC:
    """Make an untrained network of 2.4 million parameters, one frame for 640 samples (40 ms)."""
    config = Wav2Vec2Config(
        vocab_size=len(vocabulary()),
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=768,
        conv_dim=[48, 96, 160, 192],
        conv_kernel=list(KERNELS),
        conv_stride=list(STRIDES),
        conv_bias=True,
        num_feat_extract_layers=4,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=64,
        num_conv_pos_embedding_groups=16,
        hidden_dropout=0.0,
        activation_dropout=0.0,
        attention_dropout=0.0,
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        layerdrop=0.0,
        apply_spec_augment=False,
        pad_token_id=BLANK,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    return Wav2Vec2ForCTC(config)


def export(model: Wav2Vec2ForCTC, folder: Path) -> None:
    """Write the model as a folder that `pipeline` loads, with its weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab_file = folder / "vocab.json"
    vocab_file.write_text(json.dumps(vocabulary(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    # Its defaults are our specials: <pad>, <s>, </s>, <unk>, |.
    tokenizer = Wav2Vec2CTCTokenizer(str(vocab_file))
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=SAMPLE_RATE, padding_value=0.0, do_normalize=True, return_attention_mask=True
    )
    Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    extractor.save_pretrained(folder)
    # Half precision is for the size on disk only: the configuration says float32, so the model computes in float32.
    model.config.architectures = ["Wav2Vec2ForCTC"]
    model.config.dtype = torch.float32
    model.config.save_pretrained(folder)
    halves = {name: tensor.detach().half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
