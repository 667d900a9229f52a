import errno

import pytest

from m5kit.refusals import refusal, remedy


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "no space left on device; make room there, or name another place"),
        (ValueError("Error: File too large (os error 27)"), "file too large; allow larger files (ulimit -f), or name "),
        (ValueError('Os { code: 13, kind: PermissionDenied, message: "" }'), "permission denied; see who may read and"),
        (OSError(errno.ENAMETOOLONG, "x"), "file name too long; shorten it"),
    ],
)
def test_what_the_machine_refuses_is_said_with_what_to_do(error, said):
    assert refusal(error).startswith(said)


@pytest.mark.parametrize("error", [OSError("no number"), ValueError("shapes"), OSError(errno.ELOOP, "x")])
def test_what_is_not_known_is_left_to_others(error):
    assert refusal(error) is None


def test_what_follows_depends_on_who_asks():
    assert remedy(errno.EFBIG, "then go on") == "allow larger files (ulimit -f), then go on"
    assert remedy(errno.EIO, "then go on") == "the disk may be failing"
    assert remedy(None) is None
