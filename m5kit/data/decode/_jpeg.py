"""The library that decodes JPEG."""

from typing import Any

from m5kit.errors import MissingDependencyError


def jpeg_library(needed_by: str) -> Any:
    """simplejpeg, imported where it is used.

    Raises:
        MissingDependencyError: it is not installed; ``needed_by`` says what needs it.
    """
    try:
        import simplejpeg
    except ImportError as error:
        raise MissingDependencyError("simplejpeg", needed_by, "simplejpeg") from error
    return simplejpeg
