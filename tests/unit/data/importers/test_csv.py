import gzip

import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.csv import LONGEST
from m5kit.errors import DataError


def write(tmp_path, text, name="a.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,title\n", "holds no rows"),
        ("", "is empty; its first line must name the columns"),
        ("id;title\n1;Tasse\n", r"if its columns are separated by ';', say --delimiter ';'"),
        ("id|title\n1|Tasse\n", r"say --delimiter '\|'"),
        ('id,title\n1,a\n2,"never closed\n3,c\n', r"the row that begins in line 3 is no CSV .*not closed"),
        ('id,title\n1,"best" mug\n', r"the row that begins in line 2 is no CSV"),
        ("id,title,title\n1,a,b\n", r"has several columns called 'title'"),
    ],
)
def test_what_would_be_guessed_is_refused_with_its_line(imported, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        imported("csv", write(tmp_path, text))


def test_quotation_marks_of_tsv_are_letters_unless_asked(imported, tmp_path):
    rows = 'id\ttitle\n1\t"cool cat\n2\tdog\n3\tthe "best" mug\n4\t"a"\n'
    report, items = imported("csv", write(tmp_path, rows, "a.tsv"))
    assert [item["text"] for item in items] == ['"cool cat', "dog", 'the "best" mug', '"a"']
    assert report.noticed.total() == 2
    quoted = write(tmp_path, 'id\ttitle\n1\t"two\nlines"\n2\t"a"\n', "b.tsv")
    with pytest.raises(DataError, match=r"line 3 has fewer cells .* say --quotes"):
        imported("csv", quoted, out="b")
    report, items = imported("csv", quoted, out="c", quotes=True)
    assert [item["text"] for item in items] == ["two\nlines", "a"]
    assert report.examples["rows of several lines"] == "lines 2 to 3"


def test_other_delimiters_and_short_rows(imported, tmp_path):
    report, items = imported("csv", write(tmp_path, "id;x;title\n1;3,5;Tasse\n2;4\n3;;Bol\n"), delimiter=";")
    assert [item["text"] for item in items] == ["Tasse", "Bol"]
    assert (report.rows, report.items, report.passed_over) == (3, 2, {"no modality": 1})
    assert list(report.noticed.values()) == [1]


def test_a_cut_gzip_is_an_error_not_a_shorter_file(imported, tmp_path):
    whole = gzip.compress(b"id,title\n" + b"".join(b"%d,title %d\n" % (n, n * n) for n in range(5_000)))
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cannot read .*a\.csv\.gz as CSV"):
        imported("csv", tmp_path / "a.csv.gz")


def test_decimal_commas_other_encodings_and_further_columns(imported, tmp_path):
    source = tmp_path / "a.csv"
    source.write_bytes("id;title;price;shelf\n1;Täßchen;1.234,50;A 7\n2;Krug;12;\n".encode("cp1252"))
    columns = ColumnMapping(
        {"text": ("title",)}, table=("price",), numbers=("price",), decimal_comma=True, extra=("shelf",)
    )
    _, items = imported("csv", source, columns=columns, delimiter=";", encoding="cp1252")
    assert [(item["text"], item["table"]) for item in items] == [
        ("Täßchen", {"price": 1234.5}),
        ("Krug", {"price": 12}),
    ]
    assert [item.get("shelf") for item in items] == ["A 7", None]
    with pytest.raises(DataError, match=r"is not utf-8 \(byte 0xe4\); say how it is written, as in --encoding cp1252"):
        imported("csv", source, columns=columns, delimiter=";", out="b")
    with pytest.raises(DataError, match="--encoding 'ansi-1': there is no such encoding"):
        imported("csv", source, columns=columns, delimiter=";", encoding="ansi-1", out="c")


def test_a_number_with_a_decimal_point_is_not_taken_for_thousands(imported, tmp_path):
    columns = ColumnMapping({"text": ("title",)}, table=("price",), numbers=("price",), decimal_comma=True)
    with pytest.raises(DataError, match=r"item 1: price is no number with a decimal comma, as 1\.234,5 is: '3\.5'"):
        imported("csv", write(tmp_path, "id,title,price\n1,a,3.5\n"), columns=columns)


def test_a_further_column_may_not_take_the_place_of_a_key():
    with pytest.raises(DataError, match="--extra labels: items have a key of that name"):
        ColumnMapping({"text": ("title",)}, extra=("labels",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ";;"}, "--delimiter ';;': expected one sign"),
        ({"delimiter": '"'}, "expected one sign"),
        ({"encoding": "hex"}, "--encoding 'hex': there is no such encoding"),
        ({"encoding": "utf-16"}, r"is not utf-16 \(UTF-16 stream does not start with BOM\)"),
    ],
)
def test_options_that_cannot_be_are_refused(imported, tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        imported("csv", write(tmp_path, "id,title\n1,a\n"), **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04....", "it is a zip archive, or a file of Excel; unpack it, or save it as CSV"),
        (b"\x28\xb5\x2f\xfd....", "it is compressed with zstd"),
        (gzip.compress(b"id,title\n", mtime=0), "it is compressed with gzip"),
        (b"id,title\n1," + b"x" * (LONGEST + 1), "a cell of the row that begins in line 2 has more than 16,777,216"),
    ],
)
def test_what_is_no_csv_is_called_what_it_is(imported, tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        imported("csv", tmp_path / "a.csv")


def test_a_folder_is_no_csv(imported, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match=r"is a folder; name a \.csv or \.tsv file"):
        imported("csv", tmp_path / "in")


def test_utf_16_is_recognised_by_its_first_bytes(imported, tmp_path):
    (tmp_path / "a.csv").write_bytes("id,title\na,caf\u00e9\n".encode("utf-16"))
    with pytest.raises(DataError, match="as in --encoding utf-16, as its first bytes tell"):
        imported("csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("title",)}))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-32"])
@pytest.mark.parametrize("letter", ["e", "\u00e9"])
def test_two_or_four_bytes_a_letter_are_recognised_without_a_mark_too(imported, tmp_path, encoding, letter):
    (tmp_path / "a.csv").write_bytes(f"id,title\na,caf{letter}\n".encode(encoding))
    with pytest.raises(DataError, match=f"--encoding {encoding}(,|$)"):
        imported("csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("title",)}))


def test_of_thousands_of_columns_some_are_named_and_the_nearest_one(imported, tmp_path):
    names = ",".join(f"c{number}" for number in range(5_000))
    (tmp_path / "a.csv").write_text(f"id,title,{names}\na,x{',1' * 5_000}\n")
    with pytest.raises(DataError, match=r"no column titel \(did you mean 'title'\?\); it has c0, .* and 4,982 more$"):
        imported("csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("titel",)}))
    report, _ = imported("csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("title",)}))
    assert report.notes[0].endswith("c1013, c1014 and 4,980 more")


def test_zeros_inside_a_text_are_told(imported, tmp_path):
    report, items = imported("csv", write(tmp_path, "id,title\n1,b\0lue\n2,red\n"))
    assert items[0]["text"] == "b\0lue"
    what = "title: texts that hold the character 0, as those of another encoding do"
    assert report.noticed == {what: 1}
    assert report.examples == {what: r"'b\x00lue'"}


def test_blanks_around_the_name_of_a_column_are_shown(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id, title\na,x\n")
    with pytest.raises(DataError, match="has no column title; it has ' title', id"):
        imported("csv", tmp_path / "a.csv", columns=ColumnMapping({"text": ("title",)}))


def test_marks_without_a_width_are_no_part_of_a_name(imported, tmp_path):
    source = write(tmp_path, "\ufeff\ufeffid,\ufefftext\na,cup\n")
    assert imported("csv", source, columns=ColumnMapping({"text": ("text",)}))[1][0]["id"] == "a"


def test_a_second_head_in_joined_files_is_told(imported, tmp_path):
    source = write(tmp_path, "id,text\na,cup\nid,text\nb,mug\n")
    report, _ = imported("csv", source, columns=ColumnMapping({"text": ("text",)}))
    assert report.noticed["rows that name the columns again, as where files were joined"] == 1


def test_a_file_of_utf_8_that_is_read_otherwise_is_told(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id,title\n1,café\n2,mug\n", encoding="utf-8")
    report, items = imported("csv", tmp_path / "a.csv", encoding="cp1252")
    assert items[0]["text"] == "cafÃ©"
    assert report.examples == {"cells that look as if they were UTF-8 and not cp1252": "cafÃ©"}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig", "gb18030", None])
def test_a_file_that_is_read_as_it_was_written_is_not(imported, tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("id,title\n1,caf\u00e9 \u00fc\n2,mug\n".encode(encoding or "utf-8"))
    report, items = imported("csv", tmp_path / "a.csv", encoding=encoding)
    assert items[0]["text"] == "café ü"
    assert not report.noticed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\nid,title\n1,a\n", "begins with an empty line"),
        ("", "is empty"),
        ("sep=;\nid;title\n", "begins with sep=, which"),
    ],
)
def test_a_first_line_that_names_no_columns_is_told(imported, tmp_path, text, why):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        imported("csv", tmp_path / "a.csv", delimiter=";" if "sep" in text else None)
