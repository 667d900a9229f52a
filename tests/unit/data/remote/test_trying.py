import errno

import pytest

from m5kit.data.remote.trying import RemoteError, patiently


def raising(error):
    def act():
        raise error

    return act


def test_a_full_disk_is_no_matter_of_the_network():
    with pytest.raises(OSError, match="No space"):
        patiently("memory://shop", raising(OSError(errno.ENOSPC, "No space left on device")))


def test_a_signed_url_is_not_shown():
    with pytest.raises(RemoteError) as caught:
        patiently("memory://shop", raising(ValueError("cannot read https://host/a.tar?X-Amz-Signature=abc")))
    assert "Signature" not in str(caught.value)


def test_a_missing_file_behind_which_there_is_trouble_is_trouble():
    error = FileNotFoundError("a.tar")
    error.__cause__ = TimeoutError()
    with pytest.raises(RemoteError, match=r"cannot be reached after 3 tries \(TimeoutError\)"):
        patiently("memory://shop", raising(error))
    with pytest.raises(FileNotFoundError):
        patiently("memory://shop", raising(FileNotFoundError("a.tar")))
