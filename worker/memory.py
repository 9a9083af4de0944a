"""How a process has its memory: limited where it decodes strangers' files, kept where like arrays come and go."""

import ctypes
import gc
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.ledger.units import DeviceMemory

# malloc.h of glibc
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
#: a batch's objects and samples: 32 windows of 20 s are 20 MB of integers and 41 MB of floats
KEPT_BYTES = 64 << 20
#: the most that glibc takes; a window's arrays are 0.6 and 1.3 MB
LARGEST_KEPT_BYTES = 32 << 20


def process_memory() -> DeviceMemory:
    """This process's resident memory, where the device is the CPU; total: the machine's."""
    page = os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[1]) * page if statm.exists() else peak
    return DeviceMemory(used, max(used, peak), os.sysconf("SC_PHYS_PAGES") * page)


def limit_memory(limit_bytes: int) -> None:
    """Let this process hold at most `limit_bytes` of private writable memory from now on; more is a MemoryError.

    RLIMIT_DATA, not RLIMIT_AS: the address space also counts what is mapped but never used, such as libraries and the
    arenas and stacks of threads, which differ between machines. Linux counts anonymous mappings since 4.7; elsewhere
    the limit holds for the heap alone.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def keep_freed_memory() -> None:
    """Have glibc keep what a batch's or block's arrays have left for the next one's, where this is glibc.

    Each would else be mapped anew, and the kernel's zeroing of its pages takes as long as all of claim, load and commit
    otherwise, and up to a tenth of prepare (docs/performance.md).
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_ARENA_MAX, 1)  # one for all threads: what one has freed, another takes
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@contextmanager
def collection_paused() -> Iterator[None]:
    """No cyclic garbage collection inside: for building hundreds of thousands of objects that all stay, where every
    round would look at all of them again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
