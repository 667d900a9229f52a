import io
import json
import os

import pytest
from PIL import Image

from m5kit.errors import DecodeError, QueryError
from m5kit.index.index import Index
from m5kit.index.rows import Row
from m5kit.serve.media import EDGE, ItemMedia, media_type


@pytest.fixture
def media(index, run, shop):
    return ItemMedia(index.about, run.trained.data.pipelines, shop, follow_links=False)


def with_modality(rows, name):
    return next(row for row in rows.values() if row.get(name))


@pytest.mark.parametrize("modality", ["image", "video", "audio"])
def test_files_are_found_by_id_and_shown_small(client, rows, shop, modality):
    row = with_modality(rows, modality)
    asked = {"item": row["id"], "modality": modality}
    assert client.get("/media", params=asked).content == (shop / row[modality]).read_bytes()
    small = client.get("/thumbnail", params=asked)
    assert small.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(small.content)).size) <= EDGE


def test_an_item_that_came_with_another_folder_shows_the_picture_of_that_folder(run_folder, run, shop, rows, tmp_path):
    pytest.importorskip("lancedb")
    Index.build(tmp_path / "own.index", run_folder)
    row = with_modality(rows, "image")
    more = tmp_path / "more"
    (more / row["image"]).parent.mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(more / row["image"])  # the same path, another picture
    line = {"id": "new", "split": "train", "image": row["image"]}
    (more / "annotations.jsonl").write_text(json.dumps(line), encoding="utf-8")
    index = Index.open(tmp_path / "own.index", run)
    index.update(data=more)
    found = index.get(["new", row["id"]])
    media = ItemMedia(index.about, run.trained.data.pipelines, shop, follow_links=False)
    assert media.file(found["new"], "image")[0] == (more / row["image"]).resolve()
    assert media.file(found[row["id"]], "image")[0] == (shop / row["image"]).resolve()
    assert media.thumbnail(found["new"], "image") != media.thumbnail(found[row["id"]], "image")
    red, green, blue = Image.open(io.BytesIO(media.thumbnail(found["new"], "image"))).getpixel((9, 9))
    assert red > 200 > green + blue


def test_a_small_picture_is_upright(run, index, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that a quarter turn clockwise brings it upright
    picture = Image.new("RGB", (64, 32))
    picture.paste("white", (0, 0, 32, 32))
    picture.save(tmp_path / "a.jpg", exif=exif)
    media = ItemMedia(index.about, run.trained.data.pipelines, tmp_path, follow_links=False)
    small = Image.open(io.BytesIO(media.thumbnail(Row("a", sources={"image": "a.jpg"}), "image"))).convert("L")
    assert small.size == (32, 64)
    assert small.getpixel((16, 16)) > 200 > 50 > small.getpixel((16, 48))


def test_a_part_of_a_file_can_be_asked_for_and_a_file_cannot_act_as_the_page(client, rows, shop):
    row = with_modality(rows, "audio")
    part = client.get("/media", params={"item": row["id"], "modality": "audio"}, headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == (shop / row["audio"]).read_bytes()[10:20]
    assert part.headers["content-security-policy"] == "sandbox"
    assert part.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("item", "modality"),
    [("../../etc/passwd", "image"), ("/etc/passwd", "image"), ("000000", "../text"), ("000000", "text"), ("", "image")],
)
def test_no_client_names_a_file(client, item, modality):
    for path in ("/media", "/thumbnail"):
        assert client.get(path, params={"item": item, "modality": modality}).status_code == 404
    assert client.get("/..%2f..%2fetc/passwd").status_code == 404


def test_a_hostile_index_cannot_lead_out_of_the_data_either(media, shop, tmp_path):
    outside = tmp_path / "secret.jpg"
    Image.new("RGB", (4, 4)).save(outside)
    link = shop / "link.jpg"
    if not link.is_symlink():
        os.symlink(outside, link)
    for source in (str(outside), "../secret.jpg", "link.jpg", "absent.jpg"):
        row = Row("x", sources={"image": source})
        with pytest.raises(DecodeError):
            media.file(row, "image")
        with pytest.raises(DecodeError):
            media.thumbnail(row, "image")


def test_only_what_a_browser_plays_is_handed_out(media, shop):
    (shop / "page.html").write_text("<script>")
    with pytest.raises(QueryError, match="cannot play"):
        media.file(Row("x", sources={"image": "page.html"}), "image")
    assert media_type("a.svg") is None
    assert media_type("a.jpg") == "image/jpeg"


def test_a_damaged_file_is_a_404_and_no_more(client, index, media, shop):
    (shop / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"x" * 50)
    with pytest.raises(DecodeError):
        media.thumbnail(Row("x", sources={"image": "cut.jpg"}), "image")


def test_a_decompression_bomb_is_refused(client):
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 100_000
    answer = client.post("/search", files={"image": ("b.png", bomb.getvalue())})
    assert answer.status_code == 422
    assert "decompression bomb" in answer.json()["error"]


def test_each_of_several_files_is_had_by_its_number(media, rows, shop):
    one, other = [row["image"] for row in rows.values() if row.get("image")][:2]
    row = Row("x y", "test", {}, {"image": [one, other]})
    shown = media.shown(row)["files"]
    assert [file["file"] for file in shown] == [
        "media?item=x+y&modality=image",
        "media?item=x+y&modality=image&number=1",
    ]
    assert media.file(row, "image", 1)[0] == shop / other
    assert media.thumbnail(row, "image", 1) != media.thumbnail(row, "image")
    with pytest.raises(QueryError, match="no further file of 'image'"):
        media.file(row, "image", 2)
