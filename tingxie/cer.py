"""The character error rate of a Chinese transcript, for the demonstration; the tests measure with jiwer."""

import unicodedata


def character_error_rate(reference: str, hypothesis: str) -> float:
    """Edits per character of the reference, spaces and punctuation left out; the reference must hold characters."""
    wanted, heard = _characters(reference), _characters(hypothesis)
    return _edit_distance(wanted, heard) / len(wanted)


def _characters(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char)[0] in "LN")


def _edit_distance(first: str, second: str) -> int:
    """Levenshtein's, one row at a time."""
    row = list(range(len(second) + 1))
    for position, char in enumerate(first, 1):
        diagonal, row[0] = row[0], position
        for column, other in enumerate(second, 1):
            replaced = diagonal + (char != other)
            diagonal = row[column]
            row[column] = min(replaced, row[column] + 1, row[column - 1] + 1)
    return row[-1]
