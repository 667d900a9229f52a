"""What is no list of items, and values that no decoder can be given."""

import io

import pytest

from m5kit.errors import BadItemsError, ConfigError


class Frame:
    """Like a data frame, of which Python sees the names of the columns."""

    def to_dict(self, orient):
        return [{"text": "a"}]

    def __iter__(self):
        return iter(["text"])


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("a red mug", "expected a list of items, got one str"),
        ({"text": "a red mug"}, r"expected a list of items, got one dict; write \[\{...\}\]"),
        (b"a", "expected a list of items, got one bytes"),
        (Frame(), r"got a Frame; write .to_dict\('records'\)"),
        (5, "expected a list of items, got 5"),
    ],
)
@pytest.mark.parametrize("ask", ["embed", "explain"])
def test_one_item_is_no_list_of_items(run, ask, items, said):
    with pytest.raises(ConfigError, match=said):
        getattr(run, ask)(items)


def test_an_open_file_says_what_to_hand_over(run):
    with pytest.raises(BadItemsError, match=r"image: .*got an open file \(BytesIO\); hand over its path, or what"):
        run.embed([{"image": io.BytesIO(b"...")}])


def test_bytes_are_no_text(run):
    with pytest.raises(BadItemsError, match=r"text: .*expected a text, got bytes"):
        run.embed([{"text": b"a red mug"}])
