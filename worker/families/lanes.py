"""Side by side on a CPU: several batches at once, each on its share of the cores.

The threads of one forward pass wait for each other some two thousand times in it, and for a core that another program
has taken: a batch for each core waits for nobody (docs/performance.md).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch

#: each holds what its windows become between the layers, 100 to 200 MB with a large model
MOST_LANES = 8
#: the most that a lane may have of what each has on average: what others lose by waiting for it, lanes hardly gain
EVEN = 1.06

Given = TypeVar("Given")
Made = TypeVar("Made")


class Lanes:
    """cores: threads that torch may compute with, in all lanes together."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self.count = max(1, min(cores, MOST_LANES))
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="lane")

    def run(self, work: Callable[[Given], Made], given: Sequence[Given], *, most: int = MOST_LANES) -> list[Made]:
        """What `work` makes of each, in order; where one fails its error is raised, after all have ended.

        most: so many lanes, or fewer.
        """
        lanes = min(self.count, most, len(given))
        if lanes <= 1:
            return [work(each) for each in given]
        cores = self._cores // lanes
        left, made = iter(list(enumerate(given))), dict[int, Made]()  # all lanes take from one list's iterator

        def lane() -> None:
            torch.set_num_threads(cores)  # of this thread
            for number, each in left:
                made[number] = work(each)

        running = [self._threads.submit(lane) for _ in range(lanes)]
        wait(running)
        for each in running:
            each.result()
        return [made[number] for number in range(len(given))]


def are_even(loads: Sequence[float], lanes: int) -> bool:
    """Whether so many lanes that take loads like these in turn, each the next when it is free, end together."""
    lanes = min(lanes, len(loads))
    if lanes <= 1:
        return True
    taken = [0.0] * lanes
    for load in loads:
        taken[taken.index(min(taken))] += load
    return max(taken) <= EVEN * sum(taken) / lanes
