"""What a machine refuses, such as a full disk, by its number: what to do about it."""

import errno
import os
import re

_TO_DO = {
    errno.EACCES: "see who may read and write it",
    errno.EPERM: "see who may read and write it",
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EROFS: "nothing can be written there; name another place",
    errno.EEXIST: "name another place",
    errno.ENOENT: "name another place",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "a part of this path is a file; name another place",
    errno.ENAMETOOLONG: "shorten it",
    errno.EIO: "the disk may be failing",
    errno.EMFILE: "allow more open files (ulimit -n), or take fewer processes",
    errno.ENFILE: "too many files are open on this machine; take fewer processes",
    errno.EAGAIN: "allow more processes (ulimit -u), or take fewer",
}
_OF_THE_PLACE = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What another place would help against, too."""

ELSEWHERE = "or name another place"
_NUMBER = re.compile(r"os error (\d+)|\bcode: (\d+), kind: ")


def remedy(number: int | None, otherwise: str = ELSEWHERE) -> str | None:
    """What to do about an error of the system; None for one that is not known.

    Args:
        number: ``errno`` of the error.
        otherwise: what follows where the place is at fault.
    """
    if number not in _TO_DO:
        return None
    return f"{_TO_DO[number]}, {otherwise}" if number in _OF_THE_PLACE else _TO_DO[number]


def refusal(error: Exception, otherwise: str = ELSEWHERE) -> str | None:
    """What the machine refused and what to do, in words of people; None if the error is none of the system.

    Args:
        error: of Python, or of a library in Rust, which puts the number into its message.
        otherwise: what follows where the place is at fault.

    Example:
        >>> refusal(ValueError("Generic LocalFileSystem error: No space left on device (os error 28)"))
        'no space left on device; make room there, or name another place'
    """
    found = _NUMBER.search(str(error))
    number = error.errno if isinstance(error, OSError) and error.errno else found and int(found[1] or found[2])
    what = remedy(number, otherwise)
    return None if number is None or what is None else f"{os.strerror(number).lower()}; {what}"
