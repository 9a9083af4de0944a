"""Which models are served, and in what line the others are refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
)

from jobs.errors import ModelRefused, SetupError
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.equality.random_models import sound
from tests.unit.model.inputs import load, make_input
from worker.families.frames import FrameRule
from worker.families.probe import probe_frames
from worker.model import choose_dtype, load_model

SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
CONVOLUTIONS = {"conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


@pytest.fixture
def variant(layer_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """A folder with the tokenizer of the layer-norm model and another network."""

    def make(model: PreTrainedModel) -> Path:
        folder = tmp_path / "variant"
        shutil.copytree(layer_folder, folder)
        model.save_pretrained(folder)
        return folder

    return make


def test_an_adapter_that_halves_the_frames_is_refused(variant: Callable[..., Path]) -> None:
    config = Wav2Vec2Config(**SMALL, **CONVOLUTIONS, **LAYER, add_adapter=True, output_hidden_size=32)
    with pytest.raises(ModelRefused, match=r"samples gave \d+ frames"):
        load(variant(Wav2Vec2ForCTC(config)))


def test_a_ratio_that_the_convolutions_do_not_have_is_refused(layer_folder: Path) -> None:
    """The pipeline's strides count by the ratio, so ours and its would part."""
    with pytest.raises(ModelRefused, match="configuration says 320 samples a frame, its convolutions 640"):
        probe_frames(load(layer_folder).family.network, FrameRule(640, 400))


def test_a_model_without_a_head_is_refused(variant: Callable[..., Path], layer_folder: Path) -> None:
    folder = variant(BertModel(BertConfig(**SMALL, vocab_size=10)))
    with pytest.raises(ModelRefused, match="BertModel: only CTC models and Whisper"):
        load(folder)


def test_pickled_weights_are_refused(variant: Callable[..., Path]) -> None:
    folder = variant(Wav2Vec2ForCTC(Wav2Vec2Config(**SMALL, **CONVOLUTIONS, **LAYER)))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelRefused, match="no safetensors"):
        load(folder)


def test_another_tokenizer_is_refused(variant: Callable[..., Path], whisper_folder: Path) -> None:
    folder = variant(Wav2Vec2ForCTC(Wav2Vec2Config(**SMALL, **CONVOLUTIONS, **LAYER)))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(whisper_folder / name, folder / name)
    with pytest.raises(ModelRefused, match="not a Wav2Vec2CTCTokenizer"):
        load(folder)


def test_damaged_weights_are_refused_in_a_line(variant: Callable[..., Path]) -> None:
    folder = variant(Wav2Vec2ForCTC(Wav2Vec2Config(**SMALL, **CONVOLUTIONS, **LAYER)))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelRefused, match="can't be loaded") as refused:
        load(folder)
    assert "\n" not in refused.value.detail


@pytest.mark.parametrize(("name", "reason"), [("/no/such/folder", "there is no folder"), ("not an id!", "neither")])
def test_a_model_that_is_nowhere_is_a_setup_error(name: str, reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        load(name)


def test_a_device_that_is_not_there_is_a_setup_error(layer_folder: Path) -> None:
    with pytest.raises(SetupError, match="no cuda:99"):
        load(layer_folder, device="cuda:99")
    with pytest.raises(SetupError, match="names no device"):
        load(layer_folder, device="toaster")


def test_other_weights_are_another_revision(variant: Callable[..., Path]) -> None:
    config = Wav2Vec2Config(**SMALL, **CONVOLUTIONS, **LAYER, vocab_size=69)
    torch.manual_seed(1)
    folder = variant(Wav2Vec2ForCTC(config))
    first = load(folder).spec
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    second = load(folder).spec
    assert first.revision != second.revision
    assert first.key != second.key


@pytest.mark.parametrize(
    ("has_bfloat16", "has_amx", "small", "large"),
    [
        (False, False, torch.float32, torch.float32),
        (True, False, torch.float32, torch.bfloat16),
        (True, True, torch.bfloat16, torch.bfloat16),
    ],
)
def test_auto_is_bfloat16_where_it_is_fast_and_felt(
    has_bfloat16: bool, has_amx: bool, small: torch.dtype, large: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    cpu = torch.device("cpu")
    assert choose_dtype("auto", cpu, 5_000_000) == small
    assert choose_dtype("auto", cpu, 1_200_000_000) == large
    assert choose_dtype("float16", cpu, 5_000_000) == torch.float16


def test_the_bundled_model_loads_by_its_name() -> None:
    spec = load("bundled").spec
    assert (spec.model, spec.language, spec.hop_samples, spec.receptive_field_samples) == ("bundled", "zh", 640, 1488)


def test_half_precision_runs(layer_folder: Path) -> None:
    model = load(layer_folder, dtype="bfloat16")
    assert model.spec.dtype == "bfloat16"
    assert len(model.forward([make_input(sound(1.0))])[0].payload) > 50


def test_what_finish_needs_is_written_to_the_store(layer_folder: Path, whisper_folder: Path, tmp_path: Path) -> None:
    store = FolderStore.open(str(tmp_path / "store"))
    for folder, name in ((layer_folder, "vocabulary.json"), (whisper_folder, "tokenizer.json")):
        model = load_model(Settings(model=str(folder), device="cpu", dtype="float32", model_threads=1))
        model.save_tokenizer(store)
        assert store.exists(layout.model_folder(model.spec.key) + name)
