"""Keeps the memory that one operation frees for the next one."""

import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Numbers of glibc's ``mallopt``."""
_LARGEST_FROM_HEAP = 32 << 20
"""Bytes, the most that glibc takes: larger blocks are mapped one by one, as all above 128 KiB are at first."""
_MOST_KEPT = 512 << 20
"""Bytes at the end of the heap that stay with the process."""


def keep_freed_memory() -> bool:
    """Let the C library keep what tensors free, half a gigabyte at most, instead of giving it back.

    A step frees and asks for its activations again and again. Memory that was given back comes page by page, and each
    page is filled with zeros first: thousands of interruptions a step, for nothing.

    Returns:
        Whether there is a library that can be told so, which is glibc.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another system, or another C library
        return False
    return bool(tell(_MMAP_THRESHOLD, _LARGEST_FROM_HEAP)) and bool(tell(_TRIM_THRESHOLD, _MOST_KEPT))
