"""The table of what the runs of a study were made of."""

from m5kit.report.origin_table import origin_table
from m5kit.runs.study import RunOrigin, SeedValues, Study, StudyRow


def row(variant, torch, counts=(12, 12), steps="400"):
    origin = RunOrigin(data="shop, 200 items", steps=steps, versions={"m5kit": "0.1.0", "torch": torch})
    metrics = {
        name: SeedValues(values={0: 0.5}, counts={0: count}) for name, count in zip(("a/b", "c/d"), counts, strict=True)
    }
    return StudyRow(variant=variant, seeds=(0, 1), runs=("x", "y"), metrics=metrics, origins=(origin, origin))


def study(*rows):
    return Study(title="t", metrics=("a/b", "c/d"), rows=rows)


def test_a_variant_has_its_data_steps_seeds_and_test_items():
    table = origin_table(study(row("plain", "2.14.1"), row("other", "2.14.1", counts=(12, 30), steps="193 of 400")))
    assert table.headings == ["", "data", "steps", "seeds", "test items"]
    assert table.rows == [
        ["plain", "shop, 200 items", "400", "0, 1", "12"],
        ["other", "shop, 200 items", "193 of 400", "0, 1", "12, 30"],
    ]
    assert table.note == "Made with m5kit 0.1.0, torch 2.14.1."


def test_versions_that_differ_are_named():
    assert origin_table(study(row("plain", "2.14.1"), row("other", "2.13.0"))).note == (
        "Made with m5kit 0.1.0, torch 2.14.1 or 2.13.0. "
        "Not all runs have the same torch: differences may come from that."
    )


def test_runs_that_tell_nothing_have_no_row():
    plain = StudyRow(variant="plain", seeds=(0,), runs=("x",), metrics={}, origins=(RunOrigin(),))
    assert (origin_table(study(plain)).rows, origin_table(study(plain)).note) == ([], "")
