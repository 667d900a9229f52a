import pytest

from m5kit.data.decode._frames import ClipCaps, capped_index
from m5kit.data.decode._other_libraries import check_video
from m5kit.data.files import UnusableFileError


def test_a_library_that_shows_what_is_transparent_is_not_used(transparent_video, tmp_path):
    index = capped_index(tmp_path / transparent_video("a.mkv"), ClipCaps(seconds=10, bytes=10**6, pixels=10**6))
    with pytest.raises(UnusableFileError, match="decord shows what is transparent in this clip; use the decoder"):
        check_video("decord", index, 2)
