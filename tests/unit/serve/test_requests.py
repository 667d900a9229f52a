import pytest

from m5kit import signatures


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/embed", {"items": [0] * 60_000}, "60,000 items are over 8"),
        ("/embed", {"items": [0] * 5}, "items.2: Input should be a valid dictionary; and 2 more"),
        ("/search", {f"k{number}": 0 for number in range(9_000)}, "k2: unknown key; it takes item"),
        (
            "/search",
            {"weights": {f"k{number}": "x" for number in range(9_000)}},
            "weights: 9,000 are more than there are",
        ),
        ("/search", {"item": {f"k{number}": 0 for number in range(9_000)}}, "nor 8,997 more"),
        ("/search", {"item": {"ab" * 80_000: 0}}, "the run reads no 'abab"),
        ("/search", {"ab" * 80_000: 0}, "abab"),
    ],
)
def test_thousands_of_mistakes_are_not_described_one_by_one(client, monkeypatch, path, body, said):
    compared = []
    nearest = signatures.get_close_matches
    monkeypatch.setattr(signatures, "get_close_matches", lambda *a, **k: compared.append(len(a[0])) or nearest(*a, **k))
    answer = client.post(path, json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]
    assert len(answer.content) < 3000
    # what takes seconds for millions of them
    assert len(compared) <= 3
    assert max(compared, default=0) < 300
