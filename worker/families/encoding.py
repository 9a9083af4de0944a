"""An encoder–decoder's encoder, run once for a batch: where the language isn't given, transformers' `generate` runs it
once to find the language and once more to transcribe, and for Whisper it is most of the work (docs/performance.md).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def encoded_once(model: Any) -> Iterator[None]:
    """Inside, the model's encoder gives its last output again when asked for the same features, bit for bit.

    What wants more of it than its output (attentions, hidden states) has it run anew.
    """
    encoder = model.get_encoder()
    run = encoder.forward
    encoder.forward = _Remembered(run)
    try:
        yield
    finally:
        encoder.forward = run


class _Remembered:
    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self._features: torch.Tensor | None = None
        self._output: Any = None

    def __call__(self, input_features: torch.Tensor, **options: Any) -> Any:
        if any(value is not None for name, value in options.items() if name != "return_dict"):
            return self._run(input_features, **options)
        # Unequal shapes are unequal, too.
        if self._features is None or not torch.equal(self._features, input_features):
            self._output = self._run(input_features, **options)
            self._features = input_features
        return self._output
