"""Which windows of a claimed batch go through the model together."""

import math
from collections.abc import Sequence

#: a shorter window in a batch is padded to the longest; below this share of it, it goes with others of its size.
#: (At 0.85 a tenth of what was computed wasn't useful: docs/decisions/window-rule.md.)
LEAST_SHARE = 0.95


def batches_by_length(lengths: Sequence[int], *, equal_only: bool, most: float = math.inf) -> list[list[int]]:
    """Groups of indices, longest first; a group's shortest is at least LEAST_SHARE of its longest, or equal to it.

    most: what a group may hold in all, padding included, unless it is one window.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        longest = lengths[groups[-1][0]] if groups else 0
        least = longest if equal_only else LEAST_SHARE * longest
        if groups and lengths[index] >= least and (len(groups[-1]) + 1) * longest <= most:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
