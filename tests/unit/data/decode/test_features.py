"""Every container that features come in."""

import tracemalloc
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from m5kit.data.decode.features import Features, FeaturesDecoder, write_pack
from m5kit.errors import DecodeError

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)
BOXES = np.array([[0.0, 0.0, 0.5, 1.0, 0.5]] * 4, dtype=np.float32)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "one.npy", VALUES.astype(np.float16))
    np.savez(tmp_path / "one.npz", features=VALUES, boxes=BOXES)
    arrays = {"b7": VALUES, "b7/boxes": BOXES, "c9": VALUES[:1]}
    np.savez(tmp_path / "many.npz", **arrays)
    save_file({"features": VALUES, "boxes": BOXES}, tmp_path / "one.safetensors")
    save_file(arrays, tmp_path / "many.safetensors")
    with h5py.File(tmp_path / "many.h5", "w") as stored:
        stored["flat"] = VALUES
        stored["b7/features"], stored["b7/boxes"] = VALUES, BOXES
    with h5py.File(tmp_path / "one.hdf5", "w") as stored:
        stored["features"], stored["boxes"] = VALUES, BOXES
    write_pack(tmp_path / "pack", {"c9": Features(VALUES[:1], BOXES[:1]), "b7": Features(VALUES, BOXES)})
    return tmp_path


@pytest.mark.parametrize(
    ("source", "boxes"),
    [
        ("one.npy", False),
        ("one.npz", True),
        ("many.npz#b7", True),
        ("one.safetensors", True),
        ("many.safetensors#b7", True),
        ("one.hdf5", True),
        ("many.h5#b7", True),
        ("many.h5#flat", False),
        ("pack#b7", True),
    ],
)
def test_every_container_gives_the_same(folder, source, boxes):
    found = FeaturesDecoder()(source, folder)
    assert np.array_equal(found.values, VALUES)
    assert found.values.dtype == np.float32
    assert (found.boxes is None) != boxes
    if boxes:
        assert np.array_equal(found.boxes, BOXES)


def test_an_item_of_a_pack_is_its_own(folder):
    assert np.array_equal(FeaturesDecoder()("pack#c9", folder).values, VALUES[:1])


def test_boxes_in_pixels_become_fractions_with_their_area(tmp_path):
    boxes = np.array([[10, 20, 60, 40]], dtype=np.float32)
    np.savez(tmp_path / "a.npz", features=VALUES[:1], boxes=boxes, size=[100, 80])
    found = FeaturesDecoder(boxes="pixel")("a.npz", tmp_path).boxes
    np.testing.assert_allclose(found, [[0.1, 0.25, 0.6, 0.5, 0.125]], rtol=1e-6)
    with pytest.raises(DecodeError, match=r"its boxes are no fractions of the sides; set decoder.boxes: pixel"):
        FeaturesDecoder()("a.npz", tmp_path)


def test_arrays_the_other_way_round(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.T)
    assert np.array_equal(FeaturesDecoder(transpose=True)("a.npy", tmp_path).values, VALUES)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.npy", "there is no such file"),
        ("one.npy#b7", "holds one item; leave out the # and"),
        ("many.npz#zz", "it holds no array 'zz'"),
        ("many.npz", "it holds no array 'features'"),
        ("pack#zz", "the pack has no item 'zz'"),
        ("flat.npy", r"expected features of shape \(tokens, width\), got \(3,\)"),
        ("nan.npy", "some of its numbers are NaN or infinite"),
        ("odd.npz", r"expected 4 boxes of 4 or 5 numbers, got \(2, 4\)"),
        ("objects.npy", "Python objects"),
        ("complex.npy", "expected numbers, got complex64"),
        ("huge.npy", "some of its numbers are NaN or infinite"),
        ("widths.npz", "write corners, not widths"),
        ("note.txt", r"expected one of \.npy, \.npz, \.safetensors, \.h5, \.hdf5 or a pack"),
        ("../one.npy", "the path leaves the data's root"),
        ("../pack#b7", "the path leaves the data's root"),
        (3, "expected path or path#ID, got int"),
    ],
)
def test_what_cannot_be_read_says_why(folder, source, message):
    np.save(folder / "flat.npy", VALUES[0])
    np.save(folder / "nan.npy", np.full((2, 3), np.nan))
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "complex.npy", VALUES + 1j)
    np.save(folder / "huge.npy", VALUES.astype(np.float64) + 1e300)
    np.savez(folder / "widths.npz", features=VALUES[:1], boxes=np.array([[0.5, 0.5, 0.2, 0.2]]))
    np.savez(folder / "odd.npz", features=VALUES, boxes=BOXES[:2, :4])
    (folder / "note.txt").write_text("hello")
    with pytest.raises(DecodeError, match=message):
        FeaturesDecoder()(source, folder)


def test_hdf5_reads_no_other_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    outside, data = tmp_path / "out.h5", tmp_path / "data"
    data.mkdir()
    with h5py.File(outside, "w") as file:
        file["features"] = np.ones((8, 8), np.float32)
    with h5py.File(data / "external.h5", "w") as file:
        file.create_dataset("features", shape=(8, 8), dtype="u1", external=[(str(outside), 0, 64)])
    with h5py.File(data / "link.h5", "w") as file:
        file["features"] = h5py.ExternalLink(str(outside), "features")
    with h5py.File(data / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((8, 8), "f4")
        layout[:] = h5py.VirtualSource(str(outside), "features", shape=(8, 8))
        file.create_virtual_dataset("features", layout)
    for name in ("external.h5", "link.h5", "virtual.h5"):
        with pytest.raises(DecodeError, match="only what the file itself holds is read"):
            FeaturesDecoder()(name, data)


def test_a_small_file_that_declares_terabytes_is_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("features", shape=(10**6, 10**6), dtype="f4", chunks=(64, 64))
    with pytest.raises(DecodeError, match="unpacked, it has 4,000,000,000,000 bytes"):
        FeaturesDecoder()("a.h5", tmp_path)


@pytest.mark.parametrize(
    "change", [(b"(6, 8), }", b"(6, 8   }"), (b"(6, 8), }             ", b"(99999999999, 8), }   ")]
)
def test_a_damaged_array_is_a_decode_error(tmp_path, change):
    np.save(tmp_path / "a.npy", np.ones((6, 8), np.float32))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes().replace(*change))
    with pytest.raises(DecodeError):
        FeaturesDecoder()("a.npy", tmp_path)


def read(folder, source):
    return FeaturesDecoder()(source, folder).values


@pytest.mark.parametrize("array", [np.array([["1", "2"]]), np.array([[b"1"]]), np.zeros((2, 3), [("a", "f4")])])
def test_what_is_no_plain_number_is_not_read_as_one(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", features=array)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DecodeError, match="expected numbers, got"):
            read(tmp_path, name)


def test_complex_numbers_of_safetensors_are_not_halved(tmp_path):
    import torch
    from safetensors.torch import save_file as save_tensors

    save_tensors({"features": torch.ones(2, 3, dtype=torch.complex64)}, tmp_path / "a.safetensors")
    with pytest.raises(DecodeError, match="expected numbers, got complex64"):
        read(tmp_path, "a.safetensors")


def test_arrays_that_were_joined_are_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, VALUES)
        np.save(file, VALUES)
    with ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("features.npy", (tmp_path / "a.npy").read_bytes())
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DecodeError, match="its header declares 48 bytes of numbers, and 224 follow it"):
            read(tmp_path, name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_comes_twice_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", VALUES)
    with ZipFile(tmp_path / "a.npz", "w") as archive:
        for _ in range(2):
            archive.write(tmp_path / "a.npy", "features.npy")
    with pytest.raises(DecodeError, match="it holds the array 'features' 2 times"):
        read(tmp_path, "a.npz")


def test_a_zip_that_lies_about_its_size_is_not_unpacked(tmp_path):
    content = BytesIO()
    np.save(content, np.zeros((5_000, 5_000), np.float32))
    size = content.tell().to_bytes(4, "little")
    with ZipFile(tmp_path / "a.npz", "w", ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", content.getvalue())
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes().replace(size, (1000).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(DecodeError, match="Bad CRC-32"):
        read(tmp_path, "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


def test_a_link_inside_of_hdf5_leads_to_no_other_file(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as stored:
        stored["secret"] = VALUES
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored["there/x"] = VALUES
        stored["inside"], stored["loop"] = h5py.SoftLink("/there/x"), h5py.SoftLink("loop")
        stored["out"] = h5py.ExternalLink("other.h5", "/secret")
        stored["sly"] = h5py.SoftLink("/out")
    assert (read(tmp_path, "a.h5#inside") == VALUES).all()
    for name, message in {"sly": "is a link to another file", "loop": "leads through more than 16 links"}.items():
        with pytest.raises(DecodeError, match=message):
            read(tmp_path, f"a.h5#{name}")


@pytest.mark.parametrize(
    ("ids", "offsets", "message"),
    [
        (["a", "b", "b", "d"], [0, 1, 2, 3, 4], "has the id 'b' more than once"),
        (["d", "a", "c", "b"], [0, 1, 2, 3, 4], "has no item 'b'; its ids are not sorted"),
        (["a", "b"], [0, 1, 2], "has 4 tokens, and its offsets go from 0 to 2"),
        (["a", "b"], [1, 2, 4], "has 4 tokens, and its offsets go from 1 to 4"),
        (["a", "b", "c"], [0, 3, 3, 4], "expected features of shape"),
        (["a", "aa", "b", "c"], [0, 2, 1, 3, 4], "tokens would belong to two items"),
        (["a", "b"], [0, 1.5, 4], "offsets of float64; expected texts and whole numbers"),
        ([1, 2], [0, 1, 4], "ids of int64 and offsets of int64; expected texts"),
        ([b"a", b"b"], [0, 1, 4], "expected texts and whole numbers"),
    ],
)
def test_a_pack_of_which_items_would_be_lost_is_named(tmp_path, ids, offsets, message):
    (tmp_path / "pack").mkdir()
    for name, array in {"ids": np.array(ids), "offsets": np.array(offsets), "features": VALUES}.items():
        np.save(tmp_path / "pack" / f"{name}.npy", array)
    with pytest.raises(DecodeError, match=message):
        read(tmp_path, "pack#b")


def test_boxes_of_another_pack_are_refused(folder):
    np.save(folder / "pack" / "boxes.npy", np.zeros((9, 5)))
    with pytest.raises(DecodeError, match="the pack has 9 boxes and"):
        FeaturesDecoder()("pack#b7", folder)


def test_an_array_that_was_never_written_is_not_read_as_zeros(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as stored:
        stored.create_dataset("whole", VALUES.shape, "f4")
        stored.create_dataset("half", VALUES.shape, "f4", chunks=(1, VALUES.shape[1]))[:2] = VALUES[:2]
        stored.create_dataset("fine", data=VALUES, chunks=(3, 2), compression="gzip")
    assert (read(tmp_path, "a.h5#fine") == VALUES).all()
    for name in ("whole", "half"):
        with pytest.raises(DecodeError, match=f"'{name}' was made and not written to its end"):
            read(tmp_path, f"a.h5#{name}")
