"""Lists the folders of a web server: the links of its pages that lead below them."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urldefrag, urljoin

from m5kit.data.remote.trying import RemoteError

DEEPEST = 16
"""Folders within folders; a server may make up ever more of them."""

MOST_FOLDERS = 10_000
LARGEST = 2**26
"""Bytes of one page."""


def list_files(url: str, fetch: Callable[[str, Path, int], None]) -> list[str]:
    """All files below a folder, relative to it, as they are called rather than as links spell them.

    Args:
        url: of the folder.
        fetch: copies what is at a URL to a path of this machine, up to a number of bytes.

    Raises:
        FileNotFoundError: there is no such folder.
        RemoteError: it cannot be read, or has no end.
    """
    base = f"{url.rstrip('/')}/"
    files: list[str] = []
    folders = [base]
    for folder in folders:  # which grows
        for link in _links_below(folder, fetch):
            (folders if link.endswith("/") else files).append(link)
        if len(folders) > MOST_FOLDERS or folders[-1].count("/") - base.count("/") > DEEPEST:
            raise RemoteError(
                f"{url} lists folders within folders without end "
                f"(more than {DEEPEST} deep, or {MOST_FOLDERS:,}); give the URL of one of them"
            )
    return [unquote(file.removeprefix(base), errors="surrogateescape") for file in files]


class _Links(HTMLParser):
    """Collects what a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a link."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _links_below(folder: str, fetch: Callable[[str, Path, int], None]) -> list[str]:
    """URLs of the files and folders directly in a folder, which a slash at the end tells apart."""
    with TemporaryDirectory(prefix="m5kit-") as place:
        page = Path(place) / "page"
        fetch(folder, page, LARGEST)
        links = _Links()
        links.feed(page.read_text(encoding="utf-8", errors="surrogateescape"))
    found: dict[str, None] = {}
    for link in links.found:
        full = _joined(folder, link)
        below = full.removeprefix(folder)
        # neither the folder itself, nor its parents, nor orders of its list such as "?C=M;O=A"
        if below != full and below.strip("/") and "/" not in below[:-1] and "?" not in below:
            found[full] = None
    return list(found)


def _joined(folder: str, link: str) -> str:
    try:
        return urldefrag(urljoin(folder, link)).url
    except ValueError:  # such as one with half an IPv6 address
        return ""
