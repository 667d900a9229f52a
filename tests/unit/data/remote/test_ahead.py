from m5kit.data.remote.ahead import named_files
from m5kit.structures import Sample


def test_every_file_of_an_item_is_named_those_of_several_too_and_tar_files_once_they_are_led_through(tmp_path):
    sources = {"image": ["a.jpg", "0.tar/b.jpg"], "video": "c/d.mp4", "text": "a mug", "scan": "1.tar/x.bin"}
    names = [str(tmp_path / name) for name in ("a.jpg", "0.tar", "c/d.mp4", "1.tar")]
    assert named_files(Sample("x", sources), tmp_path) == names
