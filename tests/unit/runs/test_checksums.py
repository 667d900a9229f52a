"""A file of a checkpoint that is not as it was written is found, whatever happened to it."""

import pytest

from m5kit.runs.checksums import CHECKSUMS, altered, write_checksums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "state.json").write_text("{}")
    write_checksums(tmp_path)
    return tmp_path


def test_what_was_written_is_whole(folder):
    assert altered(folder) is None


def test_a_flipped_bit_is_found(folder):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[1000] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    assert altered(folder) == "model.safetensors is not as it was written"


def test_a_cut_file_and_a_lost_one_are_found(folder):
    (folder / "model.safetensors").write_bytes(b"short")
    assert altered(folder) == "model.safetensors is not as it was written"
    (folder / "model.safetensors").unlink()
    assert altered(folder) == "model.safetensors is missing"


def test_a_damaged_list_is_damage_and_a_missing_one_is_an_older_version(folder):
    (folder / CHECKSUMS).write_text("{")
    assert "cannot read" in altered(folder)
    (folder / CHECKSUMS).unlink()
    assert altered(folder) is None


@pytest.mark.parametrize("listed", ["[]", "{}", "3", '{"../outside": "0"}', '{"/dev/zero": "0"}'])
def test_a_list_that_names_no_file_of_the_folder_is_damage(folder, listed):
    (folder / CHECKSUMS).write_text(listed)
    assert altered(folder) is not None
