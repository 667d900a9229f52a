"""What the service does not answer, and what it says then."""

import gzip
import json

import pytest


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"item": {"image": "/etc/passwd"}}, "image: send the file itself"),
        ({"item": {"image": "media/image/000000.jpg"}}, "image: send the file itself"),
        ({"item": {"audio": {"path": "/etc/passwd"}}}, "audio: send the file itself"),
        ({"item": {"image": {"base64": "%%%"}}}, "image: cannot read the base64"),
        ({"item": {"image": ["/etc/passwd"]}}, "image: send the file itself"),
        ({"item": {"image": [{"base64": "YQ=="}, "/etc/passwd"]}}, "image: send the file itself"),
        ({"item": {"text": ["a"] * 17}}, "text: an item has at most 16 values here, got 17"),
        ({"item": {"image": {"base64": ""}}}, "image: cannot read"),
        ({"item": {"txt": "a"}}, "did you mean 'text'?"),
        ({"item": {}}, "the query is empty"),
        ({"item": {"text": "a"}, "top": 31}, "top: at most 30"),
        ({"item": {"text": "a"}, "top": -1}, "top: Input should be greater"),
        ({"item": {"text": "a"}, "weights": {"text": 0}}, "every modality of the query has weight 0"),
        ({"item": {"text": "a"}, "where": "prize < 3"}, "no column 'prize'"),
        ({"item": {"text": "a"}, "tpo": 3}, "tpo: unknown key; did you mean 'top'?"),
        ({"item": {"text": "\ud800"}}, "the text is empty"),
        ({"where": "id = '\ud800'"}, "half a character"),
        ({"like": "\ud800"}, "no text of an index holds '\\ud800'"),
        ({"item": {"table": {"\ud800": "\udfff"}}}, "table"),
        ({"item": {"text": [5]}}, "text: "),
        ({"item": {"text": ["a", 1]}}, "text: "),
        ([1], "body: "),
    ],
)
def test_what_cannot_be_answered_is_said_in_plain_json(client, body, said):
    answer = client.post("/search", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_an_address_that_is_not_there_says_where_to_look(client):
    assert client.get("/serach").json() == {
        "error": "there is nothing at /serach; GET /openapi.json lists what there is"
    }
    assert "holds no item" in client.get("/item", params={"item": "nobody"}).json()["error"]


GZIPPED = gzip.compress(b"0" * 10_000_000, mtime=0)  # whatever its content-encoding says, nothing is unpacked


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b"1" * 100_000, b"\xff\xfe", b"", GZIPPED],
    ids=["cut", "deep", "long", "mark", "empty", "packed"],
)
def test_broken_json_is_refused(client, body):
    answer = client.post("/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "cannot read the JSON" in answer.json()["error"]


@pytest.mark.parametrize("value", ["[" * 900 + "]" * 900, '{"a": ' * 900 + "1" + "}" * 900, "9" * 4000, "1e999"])
def test_deep_and_huge_values_are_refused_in_a_short_sentence(client, value):
    body = f'{{"item": {{"table": {{"a": {value}}}}}}}'
    answer = client.post("/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "table: cannot read" in answer.json()["error"]
    assert len(answer.content) < 3000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("HEAD", "/health", 200),
        ("HEAD", "/main.js", 200),
        ("GET", "/search", 405),
        ("OPTIONS", "/search", 405),
        ("PUT", "/main.js", 405),
        ("TRACE", "/", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/a%00b", 404),
    ],
)
def test_every_method_gets_its_answer(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    if status == 405:
        assert answer.headers["allow"]
    if status >= 400:
        assert answer.json()["error"]
    if method == "HEAD":
        assert answer.content == b""


def test_a_wrong_value_in_an_address_is_said_as_everything_else(client):
    answer = client.get("/media", params={"item": "000000", "modality": "image", "number": "9" * 5000})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("number: Unable to parse")
    assert len(answer.content) < 300
    assert client.get("/thumbnail").json()["error"] == "item: Field required; modality: Field required"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_content_types_are_refused(client, kind):
    assert client.post("/search", content=b"x", headers={"content-type": kind}).status_code == 415


def test_broken_forms_are_refused(client):
    for content in (b"", b"--x", b"--x\r\nnonsense\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"):
        answer = client.post("/search", content=content, headers={"content-type": "multipart/form-data; boundary=x"})
        assert answer.status_code in (400, 422)
        assert answer.json()["error"]


def test_a_table_of_a_form_must_be_json_and_words_must_be_utf_8(client):
    answer = client.post("/search", files={"table": (None, "colour=red")})
    assert "table: cannot read the JSON" in answer.json()["error"]
    answer = client.post("/search", files={"text": ("t.txt", b"\xff\xfe\xfa")})
    assert "text: expected UTF-8" in answer.json()["error"]


def test_too_many_items_are_refused(client):
    answer = client.post("/embed", json={"items": [{"text": "a"}] * 9})
    assert answer.status_code == 422
    assert "9 items are over 8" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        ('{"item": {"text": "a", "text": "b"}}', "text"),
        ('{"item": {"text": "a"}, "top": 1, "top": 2}', "top"),
        ('{"item": {"table": {"size": 1, "size": 2}}}', "size"),
    ],
)
def test_a_key_given_twice_is_refused(client, body, twice):
    answer = client.post("/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert f"the key '{twice}' is given twice" in answer.json()["error"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([("text", (None, "a")), ("options", (None, '{"top": 1}')), ("options", (None, '{"top": 2}'))], "given twice"),
        ([("text", (None, "a")), ("options", (None, '{"item": {"text": "b"}}'))], "options: item stands in the parts"),
        ([("text", (None, ""))], "the query is empty"),
        ([("image", ("a.jpg", b"", "image/jpeg"))], "the query is empty"),
        ([("table", (None, '{"size": 1, "size": 2}'))], "the key 'size' is given twice"),
        ([("text", (None, "a")), ("options", (None, "[1]"))], "options: expected an object, got list"),
    ],
)
def test_a_part_of_a_form_is_neither_replaced_nor_lost(client, parts, said):
    answer = client.post("/search", files=parts)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_an_empty_part_beside_a_filter_is_a_field_that_nobody_filled_in(client):
    parts = [("text", (None, "")), ("options", (None, '{"where": "split = \'train\'"}'))]
    assert client.post("/search", files=parts).json()["hits"]
