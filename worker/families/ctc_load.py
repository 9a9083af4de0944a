"""Makes a CTC family of a loaded pipeline: reads its tokenizer, measures it, says what it is."""

from typing import Any

import torch

from jobs.errors import ModelRefused
from jobs.model import ModelSpec
from worker.families.convolutions import mend_convolutions
from worker.families.ctc import CtcFamily
from worker.families.frames import FrameRule
from worker.families.front_end import replace_front_end
from worker.families.fused import fuse_attention
from worker.families.lanes import Lanes
from worker.families.linear import PrepackedLinear, replace_linears
from worker.families.packing import make_network
from worker.families.probe import probe_frames, probe_needs_equal_lengths
from worker.families.quantized import INT8, QuantizedLinear
from worker.model_folder import ModelFolder
from worker.vocabulary import Vocabulary

#: attention grows with the square of the window; beyond a minute nothing is gained
MAX_WINDOW_S = 60.0


def load_ctc(pipe: Any, found: ModelFolder, dtype: str) -> CtcFamily:
    """dtype: the pipeline's, or int8 for its encoder's linear layers.

    Raises ModelRefused for a model that the window rule or our decoding can't serve.
    """
    if pipe.tokenizer.__class__.__name__ != "Wav2Vec2CTCTokenizer":
        raise ModelRefused(f"its tokenizer is a {pipe.tokenizer.__class__.__name__}, not a Wav2Vec2CTCTokenizer")
    vocabulary = vocabulary_of(pipe.tokenizer, pipe.model.config.vocab_size)
    rule = FrameRule.of_pipeline(pipe)
    _fold_weight_norm(pipe.model)
    replace_front_end(pipe.model)
    network = make_network(pipe)
    make = QuantizedLinear if dtype == INT8 else PrepackedLinear
    fuse_attention(pipe.model, make)
    replace_linears(getattr(pipe.model.base_model, "encoder", pipe.model), make)
    replace_linears(pipe.model)
    mend_convolutions(pipe.model)
    probe_frames(network, rule)
    # A GPU runs one batch after the other.
    lanes = Lanes(torch.get_num_threads() if pipe.device.type == "cpu" else 1)
    # Group norm takes its mean over the padding, too; other models are measured.
    is_group_padded = network.pads and getattr(pipe.model.config, "feat_extract_norm", None) == "group"
    spec = ModelSpec(
        model=found.name,
        revision=found.revision,
        dtype=dtype,
        family="ctc",
        sampling_rate_hz=pipe.feature_extractor.sampling_rate,
        hop_samples=rule.hop_samples,
        receptive_field_samples=rule.receptive_field_samples,
        max_window_s=MAX_WINDOW_S,
        equal_lengths_only=is_group_padded or probe_needs_equal_lengths(network, rule),
        language=found.language,
        blank_id=pipe.tokenizer.pad_token_id,
    )
    return CtcFamily(network, lanes, spec, rule, vocabulary)


def vocabulary_of(tokenizer: Any, scores: int) -> Vocabulary:
    """The decoding side of a Wav2Vec2CTCTokenizer. scores: how many tokens the model's head scores."""
    return Vocabulary(
        tokens=tuple(tokenizer.convert_ids_to_tokens(list(range(scores)))),
        blank=tokenizer.pad_token,
        delimiter=tokenizer.word_delimiter_token,
        space=tokenizer.replace_word_delimiter_char,
        specials=frozenset(tokenizer.all_special_tokens) - {tokenizer.word_delimiter_token},
        lower_case=tokenizer.do_lower_case,
        clean_up=tokenizer.clean_up_tokenization_spaces,
    )


def _fold_weight_norm(model: Any) -> None:
    """Compute the positional convolution's weight once instead of at each forward pass; the same numbers."""
    from torch.nn.utils import parametrize  # noqa: PLC0415

    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
