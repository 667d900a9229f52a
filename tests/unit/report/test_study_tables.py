"""The tables of a study, cell by cell."""

from m5kit.report.study_tables import NUMBERS, numbers, progress, seeds, tables
from m5kit.runs.study import Study, StudyProgress


def test_there_is_a_table_for_figures_differences_cost_and_failures(study):
    quality, differences, cost, failed = tables(Study.from_json(study))
    assert quality.rows == [
        ["plain", "2", "0.550 (0.450 to 0.650)"],
        ["new_one", "2", "0.750 (0.650 to 0.850)"],
        ["new_one, sees a+b", "2", "0.350 (0.250 to 0.450)"],
        ["(chance)", "", "0.050"],
    ]
    assert quality.note == "Mean over seeds and its 95% Student-t interval."
    assert differences.title == "Differences from plain"
    assert differences.rows == [
        ["new_one", "coarse/mrr@10", "2", "+0.200", "+0.150 to +0.250", "0.500", "1.000"],
    ]
    assert cost.rows == [
        ["plain", "10.0 (9.0 to 11.0)", "3", "1,250,000"],
        ["new_one", "20.0 (19.0 to 21.0)", "3", "1,250,000"],
    ]
    assert failed.rows == [["worse", "1", "out | of\ntune", "trials/x/log.txt"]]


def test_the_note_says_how_small_p_can_be(study):
    assert "with 2 of them it is at least 0.500" in tables(Study.from_json(study))[1].note
    study["test"] = "t"
    assert "paired t-test." in tables(Study.from_json(study))[1].note


def test_tables_without_rows_are_left_out(study):
    assert [table.title for table in tables(Study.from_json(study | {"failed": [], "rows": study["rows"][:1]}))] == [
        "Results",
        "Cost",
    ]
    assert tables(Study.from_json(study | {"failed": [], "rows": []})) == []


def test_one_seed_has_no_interval(study):
    study["rows"][0]["figures"]["coarse/mrr@10"] |= {"mean": 0.5, "low": None, "high": None}
    assert tables(Study.from_json(study))[0].rows[0] == ["plain", "2", "0.500"]


def test_small_p_values_are_not_rounded_to_nothing(study):
    study["rows"][1]["figures"]["coarse/mrr@10"]["difference"] |= {"p": 0.0000153, "holm": 0.02}
    assert tables(Study.from_json(study))[1].rows[0][-2:] == ["<0.001", "0.020"]


def test_one_pair_is_no_test(study):
    study["rows"][1]["figures"]["coarse/mrr@10"]["difference"] |= {"pairs": 1, "p": 1.0, "holm": 1.0}
    differences = tables(Study.from_json(study))[1]
    assert "p" not in differences.headings
    assert "One pair says nothing about other seeds" in differences.note


def test_numbers_keep_their_digits(study):
    first, second, third = (dict(zip(NUMBERS, row, strict=True)) for row in numbers(Study.from_json(study)))
    assert (first["mean"], first["difference"], first["seconds"], first["memory_bytes"]) == (0.55, None, 10.0, 3145728)
    assert (second["difference"], second["pairs"], second["p"], second["p_holm"]) == (0.2, 2, 0.5, 1.0)
    assert (third["sees"], third["parameters"]) == ("a+b", None)


def test_every_run_has_a_row(study):
    headings, rows = seeds(Study.from_json(study))
    assert headings == ["variant", "sees", "seed", "coarse/mrr@10", "run"]
    assert rows[1] == ["plain", "", 1, 0.6, "trials/plain-1"]
    assert len(rows) == 6


def test_progress():
    assert (
        progress(Study(title="", metrics=(), progress=StudyProgress(failed=2, left=1)))
        == "0 runs done, 2 failed, 1 to go."
    )


def test_many_views_are_left_to_the_picture_and_the_csv(study):
    study["views_compared"] = False
    assert [row[0] for row in tables(Study.from_json(study))[0].rows] == ["plain", "new_one", "(chance)"]
    assert "A subset of" not in tables(Study.from_json(study))[1].note
    assert [row[1] for row in numbers(Study.from_json(study))] == ["", "", "a+b"]


def test_chance_levels_that_differ_within_a_table_are_a_range(study):
    study["rows"][2]["figures"]["coarse/mrr@10"]["chance"] = 0.08
    quality = tables(Study.from_json(study))[0]
    assert quality.rows[-1] == ["(chance)", "", "0.050 to 0.080"]
    assert "The chance level differs between rows" in quality.note


def test_a_difference_that_rounds_to_nothing_has_no_minus(study):
    study["rows"][1]["figures"]["coarse/mrr@10"]["difference"] |= {"mean": -1e-17}
    assert tables(Study.from_json(study))[1].rows[0][3] == "+0.000"
