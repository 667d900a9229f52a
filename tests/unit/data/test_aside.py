import pytest

from m5kit.data.aside import naming, written_aside


def test_a_file_appears_once_it_is_whole(tmp_path):
    (tmp_path / "a").write_text("before")
    with written_aside(tmp_path / "a") as aside:
        aside.write_text("after")
        assert (tmp_path / "a").read_text() == "before"
    assert (tmp_path / "a").read_text() == "after"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_text("before")
    with pytest.raises(OSError, match="No space") as raised, written_aside(tmp_path / "a") as aside:
        _fill(aside)
    assert raised.value.filename == str(tmp_path / "a")  # of the system's own error there is none
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def _fill(path):
    path.write_text("ha")
    raise OSError(28, "No space left on device")


def test_a_place_that_the_system_names_stays():
    with pytest.raises(OSError, match="nowhere") as raised, naming("elsewhere"):
        open("nowhere").close()
    assert raised.value.filename == "nowhere"


@pytest.mark.parametrize("aside", [".vectors.npz.x1y2/vectors.npz", ".vectors.npz.x1y2", "vectors.npz.77.part"])
def test_of_what_is_written_aside_the_place_itself_is_named(tmp_path, aside):
    with pytest.raises(OSError, match="denied") as raised, naming(tmp_path / "vectors.npz"):
        raise PermissionError(13, "Permission denied", str(tmp_path / aside))
    assert raised.value.filename == str(tmp_path / "vectors.npz")


@pytest.mark.parametrize("other", ["vectors.npz.log", ".other.npz.x1y2", ""])
def test_another_file_beside_it_keeps_its_name(tmp_path, other):
    with pytest.raises(OSError, match="denied") as raised, naming(tmp_path / "vectors.npz"):
        raise PermissionError(13, "Permission denied", str(tmp_path / other))
    assert raised.value.filename == str(tmp_path / other)
