"""Keys: another content or setting has another key, and the same has the same."""

import os

from m5kit.data.cache.key import digest_content, digest_settings


def test_a_changed_file_or_another_reference_has_another_digest(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "b.jpg").write_bytes(b"one")
    before = digest_content("a.jpg", tmp_path)
    assert before == digest_content("a.jpg", tmp_path)
    assert before != digest_content("b.jpg", tmp_path)
    stamp = (tmp_path / "a.jpg").stat()
    (tmp_path / "a.jpg").write_bytes(b"two")
    os.utime(tmp_path / "a.jpg", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert digest_content("a.jpg", tmp_path) != before
    assert digest_content({"colour": "red"}, tmp_path) != digest_content({"colour": "blue"}, tmp_path)
    assert digest_content("x" * 3000, tmp_path)
    joined = digest_content({"scan": "a.jpg", "text": "a mug"}, tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"six")
    assert digest_content({"scan": "a.jpg", "text": "a mug"}, tmp_path) != joined


def test_one_of_many_items_changes_with_the_file_or_pack_that_holds_it(tmp_path):
    (tmp_path / "many.npz").write_bytes(b"one")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "features.npy").write_bytes(b"one")
    before = [digest_content(source, tmp_path) for source in ("many.npz#a", "many.npz#b", "pack#a", "mug #3")]
    assert len(set(before)) == 4
    (tmp_path / "many.npz").write_bytes(b"other")
    (tmp_path / "pack" / "features.npy").write_bytes(b"other")
    after = [digest_content(source, tmp_path) for source in ("many.npz#a", "many.npz#b", "pack#a", "mug #3")]
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, False, False, True]


def test_facts_have_one_digest_in_one_order():
    assert digest_settings([{"a": 1, "b": 2}, b"x"]) == digest_settings([{"b": 2, "a": 1}, b"x"])
    assert digest_settings(["ab", "c"]) != digest_settings(["a", "bc"])


def test_no_file_outside_of_the_root_is_read(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("one")
    (root / "link.jpg").symlink_to(tmp_path / "secret.txt")
    sources = ("../secret.txt", "link.jpg", "link.jpg#a")
    before = [digest_content(source, root) for source in sources]
    allowed = digest_content("link.jpg", root, follow_links=True)
    (tmp_path / "secret.txt").write_text("other")
    assert [digest_content(source, root) for source in sources] == before
    assert digest_content("link.jpg", root, follow_links=True) != allowed
