"""The memory limit of a process that decodes files from strangers."""

import resource


def limit_memory(limit_bytes: int) -> None:
    """Let this process hold at most `limit_bytes` of private writable memory from now on; more is a MemoryError.

    RLIMIT_DATA, not RLIMIT_AS: the address space also counts what is mapped but never used, such as libraries and the
    arenas and stacks of threads, which differ between machines. Linux counts anonymous mappings since 4.7; elsewhere
    the limit holds for the heap alone.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
