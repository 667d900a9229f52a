"""Values in a run folder say which run, and which of its weights, they are of."""

import pytest

from m5kit.runs.belonging import OF, not_of, of_another, strangers, values_of
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import write_json


@pytest.fixture
def make(tmp_path):
    def make(name, seed=0, step=4):
        folder = RunFolder(tmp_path / name)
        write_json(folder.provenance, {"config": {"sha256": "abc"}, "seed": seed, "data": {"items": 3}})
        (folder.checkpoints / f"step_{step:07d}").mkdir(parents=True)
        write_json(folder.results, {"results": {}, OF: values_of(folder)})
        write_json(folder.views, {"a": {"results": {}, OF: values_of(folder)}})
        return folder

    return make


def test_values_of_the_run_itself_fit_also_where_it_moves(make, tmp_path):
    folder = make("one")
    assert list(strangers(folder)) == []
    folder.path.rename(tmp_path / "moved")
    assert list(strangers(RunFolder(tmp_path / "moved"))) == []


def test_values_of_another_run_are_told_for_each_file(make):
    one, other = make("one"), make("other", seed=1)
    for file in (one.results, one.views):
        (other.path / file.name).write_bytes(file.read_bytes())
    assert list(strangers(other)) == [
        "results.json: its values are of another run, which began with another config, seed or items; "
        f"run: m5kit evaluate {other.path}",
        "views.json: its values are of another run, which began with another config, seed or items; "
        "remove it, and evaluate the subsets again",
    ]


def test_a_run_that_went_on_since_is_told(make):
    folder = make("one")
    (folder.checkpoints / "step_0000009").mkdir()
    told = "its values are of step 4, and the weights of the run are now of step 9"
    assert [told in line for line in strangers(folder)] == [True, True]


def test_the_best_weights_are_those_that_count(make):
    folder = make("one")
    write_json(folder.checkpoints / "best" / "state.json", {"step": 4})
    (folder.checkpoints / "step_0000009").mkdir()
    assert list(strangers(folder)) == []


@pytest.mark.parametrize("values", [[], {}, {OF: None}, {OF: [1]}, {OF: {"begun": [], "step": "x"}}, {OF: {"step": 4}}])
def test_values_that_say_nothing_of_it_are_taken_as_they_are(make, values):
    folder = make("one")
    told = not_of(values, folder.results)
    assert told is None or "of another run" in told or "step x" in told
    folder.provenance.unlink()
    assert of_another(values, folder.results) is None


def test_damaged_files_are_told_elsewhere(make):
    folder = make("one")
    folder.results.write_text("{")
    folder.views.write_text('{"a": 3}')
    assert list(strangers(folder)) == []
    folder.provenance.write_text("[]")
    (folder.checkpoints / "best").mkdir()
    assert list(strangers(folder)) == []
    assert values_of(folder) == {"begun": None, "step": None}
