"""Reads the headers of a tar file that came from elsewhere; what Python takes for its end without a word is an error.

``tarfile`` ends an archive at a damaged header, at one that is cut off, and at the first of several archives that were
joined. It also turns back for ever on a member of negative size.
"""

import tarfile
from collections.abc import Iterator
from typing import Any

TRAILER = 2**20
"""Bytes that are looked at behind the end mark of an archive, at once."""

LONGEST_TRAILER = 2**30
"""And all together: packed zeros take no room."""


class StrictMember(tarfile.TarInfo):
    """A member whose header must be whole."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "StrictMember":
        try:
            member = super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # a block of zeros, the proper end
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(
                f"{error}, and no end mark of the archive before it: it is cut short or damaged"
            ) from error
        except RecursionError:  # each header may announce that another one follows
            raise tarfile.ReadError("a member has thousands of headers: it is damaged") from None
        if member.size < 0:
            raise tarfile.ReadError(f"the member {member.name[:100]!r} has a size below 0: it is damaged")
        return member


def members_to_the_end(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Every member of an archive that was opened with :class:`StrictMember`.

    Only zeros may follow its end mark: what was joined with ``cat`` would be lost. A packed archive is read to its
    end, where the checksum of all of it stands.

    Raises:
        tarfile.TarError: it is damaged, cut short or joined.
    """
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]  # else it keeps the headers of millions
        yield member
    file: Any = tar.fileobj
    left = LONGEST_TRAILER
    while (piece := file.read(TRAILER)) and left > 0:
        left -= len(piece)
        if any(piece):
            what = "something follows the end of the archive, as if files were joined; unpack them anew"
            raise tarfile.ReadError(what)
    if piece:
        raise tarfile.ReadError(f"more than {LONGEST_TRAILER:,} bytes of zeros follow the end of the archive")
