"""Finds the files of a source that is spread over a folder."""

from pathlib import Path

from m5kit.data.importers.reading import Reading
from m5kit.data.links import link_leads_out


def find_shards(folder: Path, pattern: str, reading: Reading, hidden: tuple[str, ...] = (".",)) -> list[Path]:
    """The regular files in a folder that have a name like ``pattern``, in order.

    Args:
        folder: with folders in it.
        pattern: as of a shell, of names.
        reading: counts what is left out: hidden files, and links that lead out of the folder.
        hidden: how names of hidden files and folders begin.
    """
    found = []
    for path in sorted(folder.rglob(pattern)):
        inner = path.relative_to(folder)
        if any(part.startswith(hidden) for part in inner.parts):
            reading.report.leave_out(f"hidden files (beginning with {' or '.join(hidden)})", inner)
        elif not reading.follow_links and link_leads_out(path, folder):
            reading.report.leave_out("links out of the folder (--follow-links takes them)", inner)
        elif path.is_file():  # opening a pipe would wait for its other end
            found.append(path)
    return found
