"""The conformance checks of decoders."""

import os
import pickle
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from m5kit.api import DecodeError, Decoder
from m5kit.testing.class_checks import class_checks
from m5kit.testing.report import Checks, Report, Skip, expect

# Linux lists the open files of a process there; elsewhere the check is skipped.
DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True)
class DecoderCase:
    """A decoder, a source that it can read, and the folder that the source is relative to."""

    part: type[Decoder]
    decoder: Decoder
    source: Any
    root: Path

    @classmethod
    def of(cls, part: type[Decoder], folder: Path) -> "DecoderCase":
        """Take the part's example."""
        decoder, source = part.example(folder)
        return cls(part, decoder, source, folder)

    @property
    def file(self) -> Path:
        """The source's file.

        Raises:
            Skip: the source stands in the manifest itself.
        """
        path = self.root / self.source if isinstance(self.source, str) else self.root
        if not path.is_file():
            raise Skip("the source is no file")
        return path

    def decode(self) -> bytes:
        """The decoded value, as bytes to compare."""
        return pickle.dumps(self.decoder(self.source, self.root))


CHECKS: Checks[DecoderCase] = Checks("decoders", class_checks(Decoder))


def check_decoder(part: type[Decoder] | str, only: Collection[str] | None = None) -> Report:
    """Check a decoder on its ``example(folder)``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    with TemporaryDirectory() as folder:
        return CHECKS.run(part, lambda decoder: DecoderCase.of(decoder, Path(folder)), only)


@CHECKS.add
def decodes_the_same_twice(case: DecoderCase) -> None:
    """The same source gives the same."""
    expect(case.decode() == case.decode(), "two calls give different values")


@CHECKS.add
def pickles(case: DecoderCase) -> None:
    """A decoder that has been used goes through pickle, as to a worker process, and decodes the same there."""
    first = case.decode()
    other = pickle.loads(pickle.dumps(case.decoder))
    expect(pickle.dumps(other(case.source, case.root)) == first, "the copy gives something else")


@CHECKS.add
def wrong_kinds_are_decode_errors(case: DecoderCase) -> None:
    """A source that is no path, text or table of the right kind gives a DecodeError."""
    for source in (None, 3.5, object()):
        _expect_decode_error(case, source, f"the source {type(source).__name__}")


@CHECKS.add
def missing_files_are_decode_errors(case: DecoderCase) -> None:
    """A file that is not there, or is a folder, gives a DecodeError that names it."""
    case.file  # noqa: B018  # skips what reads no file
    (case.root / "folder").mkdir(exist_ok=True)
    for source in ("there/is/no such file", "folder"):
        message = _expect_decode_error(case, source, f"the source {source!r}")
        expect(Path(source).name in message, f"the message {message!r} does not name {source!r}")


@CHECKS.add
def garbage_is_a_decode_error(case: DecoderCase) -> None:
    """An empty file, random bytes and text under the right name give a DecodeError."""
    path = case.file
    # noise is long enough for a decoder that reads a fixed header; fixed bytes, so that a failure can be repeated
    for name, content in {
        "empty": b"",
        "noise": bytes(range(7, 251, 3)) * 40,
        "words": b"not what you think\n",
    }.items():
        broken = path.with_name(f"{name}{path.suffix}")
        broken.write_bytes(content)
        _expect_decode_error(case, broken.relative_to(case.root).as_posix(), f"a file of {name}")


@CHECKS.add
def truncated_files_do_not_crash(case: DecoderCase) -> None:
    """A file that ends too early is decoded as far as it goes or gives a DecodeError, nothing else."""
    path = case.file
    content = path.read_bytes()
    # within the header, in the middle, and near the end
    for share in (0.1, 0.5, 0.9):
        short = path.with_name(f"short{path.suffix}")
        short.write_bytes(content[: int(len(content) * share)])
        try:
            case.decoder(short.relative_to(case.root).as_posix(), case.root)
        except DecodeError:
            continue


@CHECKS.add
def files_are_closed(case: DecoderCase) -> None:
    """A call closes every file it opened, also when it fails."""
    case.file  # noqa: B018  # skips what reads no file
    if not DESCRIPTORS.is_dir():
        raise Skip("this system does not list open files")
    case.decode()
    (case.root / "bad").write_bytes(b"bad")
    # Counted after a first call: libraries may open files of their own once.
    before = len(os.listdir(DESCRIPTORS))
    # several times, because one leaked file may be hidden by the garbage collector
    for source in (case.source, "bad") * 3:
        try:
            case.decoder(source, case.root)
        except DecodeError:
            continue
    left = len(os.listdir(DESCRIPTORS)) - before
    expect(left <= 0, f"{left} files stayed open after 6 calls")


def _expect_decode_error(case: DecoderCase, source: Any, what: str) -> str:
    """The message of the DecodeError that the source must give."""
    try:
        case.decoder(source, case.root)
    except DecodeError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}; raise DecodeError") from error
    raise AssertionError(f"{what} was decoded without a word")
