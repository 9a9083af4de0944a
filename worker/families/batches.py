"""Which windows of a claimed batch go through the model together."""

import math
from collections.abc import Sequence

#: a shorter window in a batch is padded to the longest; below this share of it, it goes with others of its size.
#: (At 0.85 a tenth of what was computed wasn't useful: docs/decisions/window-rule.md.)
LEAST_SHARE = 0.95


def batches_of_like_length(lengths: Sequence[int], *, equal_only: bool, most: float = math.inf) -> list[list[int]]:
    """Groups of indices, longest first; a group's shortest is at least LEAST_SHARE of its longest, or equal to it.

    most: what a group may hold in all, padding included, unless it is one window.
    """
    groups: list[list[int]] = []
    for index in _longest_first(lengths):
        longest = lengths[groups[-1][0]] if groups else 0
        least = longest if equal_only else LEAST_SHARE * longest
        if groups and lengths[index] >= least and (len(groups[-1]) + 1) * longest <= most:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def batches_by_total(lengths: Sequence[int], *, most: float, lanes: int = 1) -> list[list[int]]:
    """Groups of indices, so many for each lane and as even as they get: what is longest first, into the emptiest group.

    most: what a group may hold in all, unless it is one window.
    """
    if not lengths:
        return []
    count = lanes * math.ceil(sum(lengths) / most / lanes)
    while True:
        groups: list[list[int]] = [[] for _ in range(min(count, len(lengths)))]
        totals = [0] * len(groups)
        for index in _longest_first(lengths):
            emptiest = totals.index(min(totals))
            groups[emptiest].append(index)
            totals[emptiest] += lengths[index]
        if max(totals) <= most or count >= len(lengths):
            return groups
        count += lanes


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda index: -lengths[index])
