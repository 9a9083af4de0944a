"""Query, key and value as one product: the numbers of three, whoever asks in whatever order."""

import pytest
import torch
from torch import nn

from worker.families.fused import NAMES, FusedPart, fuse_attention
from worker.families.linear import is_prepackable

pytestmark = pytest.mark.skipif(not is_prepackable(torch.empty(1, 1)), reason="this CPU's weights are not prepacked")


class Attention(nn.Module):
    def __init__(self, *, biases: tuple[bool, bool, bool], is_decoder: bool = False) -> None:
        super().__init__()
        self.is_decoder = is_decoder
        for name, bias in zip(NAMES, biases, strict=True):
            setattr(self, name, nn.Linear(48, 48, bias=bias))

    def parts(self, rows: torch.Tensor, order: tuple[str, ...] = NAMES) -> dict[str, torch.Tensor]:
        return {name: getattr(self, name)(rows) for name in order}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("order", [NAMES, NAMES[::-1], ("k_proj", "k_proj", "q_proj", "v_proj", "q_proj")])
def test_its_numbers_are_those_of_three(bias: bool, order: tuple[str, ...]) -> None:
    attention = Attention(biases=(bias, bias, bias)).eval()
    with torch.inference_mode():
        several = [torch.randn(2, 70, 48) for _ in range(3)]
        theirs = [attention.parts(rows, order) for rows in several]
        fuse_attention(attention)
        assert isinstance(attention.q_proj, FusedPart)
        for rows, right in zip(several, theirs, strict=True):
            torch.testing.assert_close(attention.parts(rows, order), right)


def test_nothing_stays_of_what_was_given_out() -> None:
    attention = Attention(biases=(True, True, True))
    fuse_attention(attention)
    with torch.inference_mode():
        attention.parts(torch.randn(1, 9, 48))
    fused = attention.q_proj._fused
    assert (fused._seen.rows, fused._seen.left) == (None, {})


@pytest.mark.parametrize(
    "attention",
    [Attention(biases=(True, False, True)), Attention(biases=(True, True, True), is_decoder=True), nn.Linear(48, 48)],
    ids=["a bias of some", "a decoder", "no attention"],
)
def test_others_are_left_alone(attention: nn.Module) -> None:
    fuse_attention(attention)
    assert not [module for module in attention.modules() if isinstance(module, FusedPart)]
