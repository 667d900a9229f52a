import json

import pytest
import torch

from m5kit.data.failures import FailureLog, describe_failures, failures_of
from m5kit.errors import DataError
from m5kit.structures import Batch, Failure


def batch(good, bad, first=0):
    ids = tuple(str(first + i) for i in range(good + bad))
    present = torch.tensor([[i < good, False] for i in range(good + bad)])
    failures = tuple(Failure(name, "a", "damaged 坏") for name in ids[good:])
    return Batch(ids, ("a", "b"), present, {}, failures=failures)


def test_attempts_and_failures_are_counted_and_listed_once(tmp_path):
    log = FailureLog(tmp_path / "failures.jsonl", max_share=0.5)
    log.update(batch(3, 1))
    log.update(batch(3, 1))
    assert log.summary() == {"a": {"attempts": 8, "failed": 2}}
    FailureLog(tmp_path / "failures.jsonl", max_share=0.5).update(batch(3, 1))
    rows = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == [{"id": "3", "modality": "a", "reason": "damaged 坏"}]


def test_past_the_share_the_run_stops(tmp_path):
    log = FailureLog(tmp_path / "failures.jsonl", max_share=0.2, minimum=20)
    log.update(batch(4, 6))
    with pytest.raises(DataError, match=r"10 of 20 a items could not be decoded, more than the allowed share of 0.2; "):
        log.update(batch(6, 4, first=10))


def test_exactly_the_share_is_allowed(tmp_path):
    log = FailureLog(tmp_path / "failures.jsonl", max_share=0.4, minimum=10)
    log.update(batch(6, 4))
    assert log.summary() == {"a": {"attempts": 10, "failed": 4}}


def test_no_failure_leaves_no_file(tmp_path):
    FailureLog(tmp_path / "failures.jsonl", max_share=0.0).update(batch(4, 0))
    assert not (tmp_path / "failures.jsonl").exists()


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b", "a\ud800b", "a\nb", "x" * 5_000])
def test_any_id_is_listed_once_and_read_again(tmp_path, name):
    path = tmp_path / "failures.jsonl"
    failed = Batch((name,), ("a",), torch.tensor([[False]]), {}, failures=(Failure(name, "a", "damaged"),))
    for _ in range(2):
        FailureLog(path, max_share=1.0).update(failed)
    assert path.read_text(encoding="utf-8").count("\n") == 1
    assert len(describe_failures(path)) == 1


def test_failures_are_described_by_modality_also_after_half_a_line(tmp_path):
    path = tmp_path / "failures.jsonl"
    assert describe_failures(path) == []
    FailureLog(path, max_share=1.0).update(batch(1, 2))
    with path.open("a") as file:
        file.write("[" * 100_000 + '\n{"id": "7", "mod')
    assert describe_failures(path) == [
        f"a: 2 items could not be decoded, such as 1: damaged 坏 (all are listed in {path})"
    ]


def test_a_damaged_value_of_an_item_that_has_another_is_listed_and_not_counted(tmp_path):
    path = tmp_path / "failures.jsonl"
    failures = [Failure("x", "a", f"{n}.jpg is damaged", n, lost=False) for n in (1, 2)]
    spared = Batch(("x", "y"), ("a",), torch.tensor([[True], [True]]), {}, failures=tuple(failures))
    for _ in range(2):
        log = FailureLog(path, max_share=0.0, minimum=1)
        log.update(spared)
        assert log.summary() == {"a": {"attempts": 2, "failed": 0}}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["value"], row["lost"]) for row in rows] == [(1, False), (2, False)]
    assert describe_failures(path)[0].startswith("a: 2 of several values could not be decoded, another of the item was")


def test_failures_of_one_item_are_one_if_it_is_lost():
    assert failures_of("x", "a", {0: "p", 1: "q"}, lost=True) == [Failure("x", "a", "p; q")]
    assert failures_of("x", "a", {1: "q"}, lost=False) == [Failure("x", "a", "q", 1, lost=False)]
    assert failures_of("x", "a", {}, lost=False) == []
