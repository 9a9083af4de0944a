"""The fast dtypes beside float32 on the same windows: do they hear the same in the bundled model's held-out speech.

Every sixth utterance and the three-minute recordings, cut as the service cuts them, through its own forward pass in one
process on this CPU. Agreement: of the frames to which either dtype gives a token other than the blank, the share with
the same; and 1 − edit distance of the collapsed tokens.
"""

from bench.agreement import Agreement
from bench.fast_dtypes import OPT_IN_DTYPES
from bench.figure import Figure
from bench.in_process import Heard, Setting, hear, held_out, load_ctc

DTYPES = ("bfloat16", "float16", *OPT_IN_DTYPES)
AT_ONCE = 8


def measure() -> list[Figure]:
    recordings, setting = held_out(), Setting.usual()
    blank_id = load_ctc("float32").spec.blank_id
    assert blank_id is not None
    heard = {dtype: hear(load_ctc(dtype), recordings, setting, at_once=AT_ONCE) for dtype in ("float32", *DTYPES)}
    reference = heard.pop("float32")
    figures = [Figure(f"float32, {len(reference.frames)} windows: CER", 100 * reference.cer, "%")]
    for dtype, each in heard.items():
        figures += _rows(dtype, each, Agreement.of(each.frames, reference.frames, blank_id=blank_id))
    return figures


def _rows(dtype: str, heard: Heard, agreement: Agreement) -> list[Figure]:
    return [
        Figure(f"{dtype}: agreement of frames that aren't blank in both", 100 * agreement.frames, "%", "≥ 99.5"),
        Figure("… of collapsed tokens", 100 * agreement.tokens, "%", "≥ 99.5"),
        Figure("… CER", 100 * heard.cer, "%"),
    ]
