"""Every family of CTC models that is served gives what the untouched pipeline gives, text and times, in float32."""

from pathlib import Path
from typing import Any

import pytest
from transformers import (
    Data2VecAudioForCTC,
    HubertForCTC,
    SeamlessM4TFeatureExtractor,
    SEWDForCTC,
    SEWForCTC,
    UniSpeechForCTC,
    UniSpeechSatForCTC,
    Wav2Vec2BertForCTC,
    Wav2Vec2ConformerForCTC,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WavLMForCTC,
)

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from tests.equality.chain import Chain
from tests.equality.comparing import assert_equal, assert_meaningful
from tests.equality.random_models import CONVOLUTIONS, SMALL, make_network, sound
from tests.equality.reference import phases, untouched
from tests.unit.model.inputs import load, make_input
from worker.runs import Runs

full = pytest.mark.full
SECONDS = 20.3
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
SEW = {"feat_extract_norm": "layer", "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2]}


def family(network: Any, equal_lengths_only: bool, name: str = "", marks: Any = (), **config: Any) -> Any:
    return pytest.param((network, config, equal_lengths_only), id=name or network.__name__, marks=marks)


#: each class with what makes it small, and whether others in a batch change its scores, as padding does where norms,
#: pools and convolutions between the layers read over a window's end
FAMILIES = [
    family(Wav2Vec2ForCTC, False, **LAYER, marks=full),
    family(Wav2Vec2ForCTC, False, "MMS", **LAYER, adapter_attn_dim=16),
    family(HubertForCTC, False, **LAYER),
    family(WavLMForCTC, False, **LAYER),
    family(Data2VecAudioForCTC, False, conv_pos_kernel_size=5),
    family(Wav2Vec2BertForCTC, False, output_hidden_size=48),
    family(Wav2Vec2ConformerForCTC, True, **LAYER, marks=full),
    family(UniSpeechForCTC, False, **LAYER, marks=full),
    family(UniSpeechSatForCTC, False, **LAYER, marks=full),
    family(SEWForCTC, True, **SEW),
    family(SEWDForCTC, True, **SEW, marks=full),
]


@pytest.fixture(params=FAMILIES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bool]:
    """A folder with a random model, and whether it is to be served in batches of equal lengths only."""
    network, config, equal_lengths_only = request.param
    extractor: Any = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    config = {**SMALL, **CONVOLUTIONS, **config}
    if network is Wav2Vec2BertForCTC:
        extractor, config = SeamlessM4TFeatureExtractor(), SMALL | request.param[1]
    return make_network(tmp_path / "model", network, extractor, **config), equal_lengths_only


# torch's word about WavLM's attention
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
def test_a_family_equals_the_pipeline(made: tuple[Path, bool], settings: Settings, ledger: Ledger) -> None:
    folder, equal_lengths_only = made
    model = load(folder)
    assert (model.spec.hop_samples, model.spec.receptive_field_samples) == (320, 400)
    assert model.spec.equal_lengths_only == equal_lengths_only
    for samples in (400, 450, 719, 720):
        (output,) = model.forward([make_input(sound(1.0)[:samples])])
        assert Runs.unpack(output.payload).frames == (samples - 400) // 320 + 1
    chain = Chain(settings, ledger, open_store(settings.store), model, workers=2, batch=3)
    wave = sound(SECONDS, seed=3)
    fixed = chain.transcribe(wave, cutting="fixed", window_s=5.0, context_s=0.6)
    theirs = untouched(folder, wave, window_s=5.0, context_s=0.6, timestamps="char")
    assert_meaningful(theirs, SECONDS)
    assert_equal(fixed, theirs, "char")
    silence = chain.transcribe(wave, cutting="silence", window_s=6.0, context_s=0.5)
    stored = [(samples, window.left_samples, window.right_samples) for window, samples in chain.stored]
    (theirs,) = phases(folder, stored, timestamps="char", together=True)
    assert_meaningful(theirs, SECONDS)
    assert_equal(silence, theirs, "char")
