import tarfile

import pytest

from m5kit.data.value_bytes import file_bytes


def test_files_and_members_of_tar_files_have_their_size(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"12345")
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        tar.add(tmp_path / "a.jpg", "inside.jpg")
    assert file_bytes("a.jpg", tmp_path) == 5
    assert file_bytes("s.tar/inside.jpg", tmp_path) == 5


@pytest.mark.parametrize("value", ["a red mug", "x" * 5000, "with\0zero", ".", "s.tar/none", {"colour": "red"}, 3])
def test_other_values_name_no_file(tmp_path, value):
    with tarfile.open(tmp_path / "s.tar", "w"):
        pass
    assert file_bytes(value, tmp_path) is None
