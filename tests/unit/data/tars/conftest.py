import io
import tarfile

import pytest


@pytest.fixture
def write_tar():
    """Write a tar file of members, contents by name."""
    return _write_tar


def _write_tar(path, mode="w", **members):
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
