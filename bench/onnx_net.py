"""A CTC model's network in ONNX Runtime, in the place of transformers' in the project's forward pass."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForCTC

#: samples of the example that the network is traced with; its lengths and batches stay open
TRACED_SAMPLES = 32_000


class OnnxNet(torch.nn.Module):
    """Takes one window at a time, whole, so it needs no mask."""

    main_input_name = "input_values"
    dtype = torch.float32

    def __init__(self, path: Path) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(self, input_values: torch.Tensor, attention_mask: torch.Tensor | None = None) -> Any:
        del attention_mask  # all ones
        (logits,) = self._session.run(None, {"input_values": input_values.numpy()})
        return SimpleNamespace(logits=torch.from_numpy(logits))


class _Scores(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model

    def forward(self, input_values: torch.Tensor) -> Any:
        return self._model(input_values=input_values).logits


def export(model: Path, folder: Path) -> Path:
    """transformers' own network in float32 as an ONNX file in a folder, its weights beside it.

    (Ours reads the waveform's memory in a way that can't be exported: worker/families/front_end.py.)
    """
    network = AutoModelForCTC.from_pretrained(model).eval()
    path = folder / "float32.onnx"
    open_ = {0: torch.export.Dim("windows"), 1: torch.export.Dim("samples")}
    with _quiet():
        program = torch.onnx.export(
            _Scores(network).eval(),
            (torch.randn(2, TRACED_SAMPLES),),
            dynamo=True,
            dynamic_shapes={"input_values": open_},
            input_names=["input_values"],
            output_names=["logits"],
        )
        assert program is not None
        program.save(str(path), external_data=True)
    return path


def quantise(path: Path) -> Path:
    """The same with int8 weights, a scale for each column, and activations quantised as they come; in MatMul only."""
    quantised = path.with_name("int8.onnx")
    with _quiet():
        quantize_dynamic(
            path,
            quantised,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            use_external_data_format=True,
        )
    return quantised


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporters' remarks don't concern who reads figures."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
