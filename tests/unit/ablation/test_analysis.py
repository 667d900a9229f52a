"""From single runs to a study: pairs, references, corrections and what is missing."""

import pytest

from m5kit.ablation.analysis import FEW_SUBSETS, Question, analyse
from m5kit.ablation.outcomes import Found, RunOutcome
from m5kit.ablation.statistics import holm, paired_permutation, paired_t, student_interval
from m5kit.runs.study import Cost, Difference, Interval, StudyProgress
from m5kit.runs.sweep_folder import TrialStatus

MRR = "coarse/mrr@10"
PLAIN = {0: 0.50, 1: 0.52, 2: 0.48}
BETTER = {0: 0.60, 1: 0.61, 2: 0.62}
WORSE = {0: 0.40, 2: 0.43}


def outcomes(variant, values, view="", seconds=10.0):
    return [
        RunOutcome(
            variant,
            view,
            seed,
            {MRR: {"value": value, "chance": 0.1}},
            TrialStatus("done", None, seconds + seed, 100, 7),
            "r",
        )
        for seed, value in values.items()
    ]


def study(*groups, **changes):
    found = Found([outcome for group in groups for outcome in group], left=2)
    return analyse(found, Question("t", "", (MRR,), **changes))


def differences(found):
    return {(row.variant, row.subset): row.metrics[MRR].difference for row in found.rows}


def test_a_row_holds_the_mean_and_its_interval():
    row = study(outcomes("plain", PLAIN)).rows[0]
    expected = student_interval(list(PLAIN.values()))
    found = row.metrics[MRR]
    assert (found.mean, found.low, found.high) == (expected.mean, expected.low, expected.high)
    assert (found.chance, found.values) == (pytest.approx(0.1), {0: 0.50, 1: 0.52, 2: 0.48})
    assert row.cost == Cost(seconds=Interval(mean=11.0, low=10.0, high=12.0), memory=100, parameters=7)


def test_differences_are_between_runs_of_the_same_seed():
    found = differences(study(outcomes("plain", PLAIN), outcomes("better", BETTER), outcomes("worse", WORSE)))
    assert found["plain", ""] is None
    pairs = [BETTER[seed] - PLAIN[seed] for seed in PLAIN]
    assert found["better", ""].mean == pytest.approx(0.11)
    assert found["better", ""].p == paired_permutation(pairs) == 0.25
    assert (found["worse", ""].pairs, found["worse", ""].mean) == (2, pytest.approx(-0.075))


def test_holm_corrects_over_the_rows():
    found = differences(study(outcomes("plain", PLAIN), outcomes("better", BETTER), outcomes("worse", WORSE)))
    expected = holm([found["better", ""].p, found["worse", ""].p])
    assert [found["better", ""].holm, found["worse", ""].holm] == expected == [0.5, 0.5]


def test_the_t_test_and_the_bootstrap_can_be_asked_for():
    found = study(outcomes("plain", PLAIN), outcomes("better", BETTER), test="t", interval="bootstrap")
    difference = differences(found)["better", ""]
    assert difference.p == pytest.approx(paired_t([BETTER[seed] - PLAIN[seed] for seed in PLAIN]))
    assert 0.0899 <= difference.low < difference.mean < difference.high <= 0.1401


def test_what_is_seen_in_part_is_compared_with_the_reference_seen_the_same_way():
    found = differences(
        study(
            outcomes("plain", PLAIN),
            outcomes("plain", WORSE, "a"),
            outcomes("better", BETTER),
            outcomes("better", PLAIN, "a"),
        )
    )
    assert found["better", "a"].mean == pytest.approx(((0.50 - 0.40) + (0.48 - 0.43)) / 2)
    assert found["plain", "a"].mean == pytest.approx(-0.075)


def test_another_reference_can_be_named():
    found = study(outcomes("plain", PLAIN), outcomes("better", BETTER), reference="better")
    assert found.reference == "better"
    assert differences(found)["plain", ""].mean == pytest.approx(-0.11)
    assert differences(found)["better", ""] is None


def test_a_figure_that_no_run_has_is_told():
    found = analyse(Found(outcomes("plain", PLAIN)), Question("t", "", (MRR, "fine/mrr@10")))
    assert found.notes == [f"No run has the metric fine/mrr@10; there are: {MRR}."]
    assert found.rows[0].metrics["fine/mrr@10"].mean is None


def test_one_run_has_no_range_of_seconds_and_unknown_costs_stay_unknown():
    known = study(outcomes("plain", {0: 0.5})).rows[0].cost
    assert known.seconds == Interval(mean=10.0)
    unknown = [RunOutcome("plain", "", 0, {}, TrialStatus("done"), "r")]
    cost = analyse(Found(unknown), Question("t", "", (MRR,))).rows[0].cost
    assert cost == Cost(seconds=Interval())


def test_nothing_done_yet_is_a_study_too():
    found = study()
    assert (found.rows, found.progress) == ([], StudyProgress(left=2))


def test_one_seed_is_compared_without_an_interval():
    found = differences(study(outcomes("plain", {0: 0.5}), outcomes("better", {0: 0.6}), test="t"))
    assert found["better", ""] == Difference(pairs=1, mean=pytest.approx(0.1))


def test_few_views_are_compared_and_many_are_not():
    def seen(count):
        groups = [outcomes("plain", PLAIN), outcomes("better", BETTER)]
        return study(*groups, *(outcomes("better", BETTER, f"view {n}") for n in range(count)))

    assert seen(FEW_SUBSETS).subsets_compared
    many = seen(FEW_SUBSETS + 1)
    assert not many.subsets_compared
    assert {key: difference is None for key, difference in differences(many).items() if key[0] == "better"} == {
        ("better", ""): False,
        **{("better", f"view {n}"): True for n in range(FEW_SUBSETS + 1)},
    }
    assert len(many.rows) == FEW_SUBSETS + 3


def test_damages_are_in_the_rows_that_are_seen_whole_without_being_asked_for():
    def scored(variant, view, seed, **values):
        scores = {f"dark/mrr@10|missing{end}": {"value": value, "chance": 0.2} for end, value in values.items()}
        return RunOutcome(variant, view, seed, scores, TrialStatus("done"), "r")

    clean, half, relative = "=0", "=0.5", "|relative"
    outcomes = [
        scored("plain", "", 0, **{clean: 0.8, half: 0.4, relative: 0.5}),
        scored("plain", "", 1, **{clean: 0.6, half: 0.6, relative: 1.0}),
        scored("plain", "a", 0, **{clean: 0.1}),
        scored("better", "", 0),
    ]
    rows = analyse(Found(outcomes), Question("t", "", (MRR,))).rows
    (corrupted,) = rows[0].corrupted
    assert (corrupted.task, corrupted.metric, corrupted.kind) == ("dark", "mrr@10", "missing")
    assert [(p.strength, p.mean, p.chance) for p in corrupted.curve] == [
        (0.0, pytest.approx(0.7), pytest.approx(0.2)),
        (0.5, pytest.approx(0.5), pytest.approx(0.2)),
    ]
    expected = student_interval([0.4, 0.6])
    assert (corrupted.curve[1].low, corrupted.curve[1].high) == (expected.low, expected.high)
    assert corrupted.relative.mean == pytest.approx(0.75)
    assert rows[1].corrupted == ()
    assert [point.mean for point in rows[2].corrupted[0].curve] == [None, None]
    assert list(rows[0].metrics) == [MRR]


def test_what_there_is_leaves_out_figures_of_parts_unless_one_was_asked_for():
    scores = {name: {"value": 0.5, "chance": None} for name in (MRR, f"{MRR}|missing=0")}
    found = Found([RunOutcome("plain", "", 0, scores, TrialStatus("done"), "r")])
    notes = analyse(found, Question("t", "", ("coarse/no", "coarse/no|missing=0"))).notes
    assert notes[0].endswith(f"there are: {MRR}.")
    assert notes[1].endswith(f"there are: {MRR}, {MRR}|missing=0.")


def test_equal_seeds_have_no_interval_as_it_would_look_certain():
    found = study(outcomes("plain", {0: 0.5, 1: 0.5, 2: 0.5}), outcomes("better", {0: 0.6, 1: 0.6, 2: 0.6}), test="t")
    summary = found.rows[1].metrics[MRR]
    assert (summary.mean, summary.low, summary.high) == (0.6, None, None)
    assert (summary.difference.low, summary.difference.high, summary.difference.p) == (None, None, None)
    assert found.notes == [
        "Where all seeds gave exactly the same value, no interval is given: it would look certain and is not."
    ]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_never_averaged_and_are_told(bad):
    found = study(outcomes("plain", {0: 0.5, 1: bad, 2: 0.7}))
    summary = found.rows[0].metrics[MRR]
    assert summary.mean == pytest.approx(0.6)
    assert list(summary.values) == [0, 2]
    assert found.notes == [f"{MRR} of plain is NaN or infinite in 1 of 3 runs, which are left out."]
