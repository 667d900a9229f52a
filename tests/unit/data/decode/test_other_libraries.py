import pytest

from m5kit.data.decode._frames import ClipCaps, capped_index
from m5kit.data.decode._other_libraries import check_video
from m5kit.data.files import UnusableFileError


def test_a_library_that_shows_what_is_transparent_is_not_used(transparent_video, tmp_path):
    index = capped_index(tmp_path / transparent_video("a.mkv"), ClipCaps(seconds=10, bytes=10**6, pixels=10**6))
    with pytest.raises(UnusableFileError, match="decord shows what is transparent in this clip; use the decoder"):
        check_video("decord", index, 2)


def test_nor_one_that_does_not_read_alpha_beside_the_frames(vpx_with_alpha, tmp_path):
    caps = ClipCaps(seconds=10, bytes=10**6, pixels=10**6)
    with pytest.raises(UnusableFileError, match="decord shows what is transparent in this clip; use the decoder"):
        check_video("decord", capped_index(tmp_path / vpx_with_alpha("a.webm", "libvpx-vp9"), caps), 6)
    # browsers say of every recording that it may have alpha
    without = capped_index(tmp_path / vpx_with_alpha("b.webm", "libvpx-vp9", alpha=False), caps)
    check_video("decord", without, 6)
