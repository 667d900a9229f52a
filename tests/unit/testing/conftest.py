import pytest

from m5kit.testing import ConformanceError, check, check_names


@pytest.fixture
def fails():
    """Runs one check on a broken part, which must fail; returns what the report says."""

    def run(family, part, rule):
        with pytest.raises(ConformanceError) as caught:
            check(family, part, only=[rule])
        assert set(caught.value.report.failed) == {rule}
        return caught.value.report.failed[rule]

    return run


@pytest.fixture
def covers():
    """Asserts that every check of a family has a part that fails it."""

    def run(family, broken):
        assert sorted(broken) == sorted(check_names(family))

    return run
