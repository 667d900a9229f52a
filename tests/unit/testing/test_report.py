import pytest
import torch

from m5kit.errors import ContractError, MissingDependencyError
from m5kit.testing.report import Checks, ConformanceError, Report, Skip, expect


class Part:
    """Anything."""


def holds(case):
    """A rule that holds."""


def breaks(case):
    """A rule that does not."""
    expect(case == 1, f"{case} is not 1")


def raises(case):
    """A rule whose check finds a crash."""
    raise KeyError("gone")


def does_not_apply(case):
    """A rule for others."""
    raise Skip("it is not one of those")


def run(*checks, only=None):
    return Checks("things", [], checks).run(Part, lambda part: 2, only)


def test_a_report_says_what_ran_and_what_was_skipped_and_why():
    report = run(holds, does_not_apply)
    assert report.passed == ("holds",)
    assert str(report).splitlines() == [
        f"{Part.__module__}.Part (things): 1 checks ran, 0 failed, 1 skipped",
        "  skipped  does_not_apply: it is not one of those",
    ]


def test_all_failures_are_told_at_once_with_their_rule():
    with pytest.raises(ConformanceError) as caught:
        run(breaks, holds, raises)
    assert str(caught.value).splitlines() == [
        f"{Part.__module__}.Part (things): 3 checks ran, 2 failed, 0 skipped",
        "  failed   breaks: A rule that does not. But: 2 is not 1",
        "  failed   raises: A rule whose check finds a crash. But: it raised KeyError: 'gone'",
    ]
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("checks", [(), (does_not_apply,)])
def test_zero_checks_are_a_failure(checks):
    with pytest.raises(ConformanceError, match="nothing was checked, which counts as a failure"):
        run(*checks)


def test_only_runs_what_it_names_and_may_come_to_nothing_by_a_skip():
    assert run(holds, breaks, only=["holds"]).ran == 1
    assert run(does_not_apply, breaks, only=["does_not_apply"]).skipped == {"does_not_apply": "it is not one of those"}


def test_an_unknown_check_is_named():
    with pytest.raises(ContractError, match="no check of things is named 'hold'; there are holds, breaks"):
        run(holds, breaks, only=["hold"])


def test_a_missing_library_is_neither_pass_nor_failure():
    def needs(case):
        raise MissingDependencyError("foo", "the part", "foo")

    with pytest.raises(MissingDependencyError, match="needs the library 'foo'"):
        run(needs)


def test_the_callers_random_state_is_left_alone():
    def draws(case):
        torch.rand(3)

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    run(draws)
    assert torch.equal(torch.rand(1), expected)


def test_a_report_without_checks_is_not_ok():
    assert not Report("things", "x", ()).ok
    assert Report("things", "x", ("a",)).ok
