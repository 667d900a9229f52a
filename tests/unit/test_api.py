"""The public surface: earlier names of what was renamed are still answered."""

import pytest

from m5kit import api


@pytest.mark.parametrize(("before", "now"), api.DEPRECATED.items())
def test_an_earlier_name_is_the_thing_itself_and_says_what_it_is_called(before, now):
    with pytest.warns(DeprecationWarning, match=rf"m5kit\.api.{before} is called {now} now"):
        assert getattr(api, before) is getattr(api, now)
    assert before not in api.__all__


def test_an_earlier_name_may_be_imported():
    with pytest.warns(DeprecationWarning, match="is called MetricValue now"):
        from m5kit.api import Figure

    assert Figure is api.MetricValue


def test_a_name_that_never_was_is_an_error():
    with pytest.raises(AttributeError, match=r"module 'm5kit\.api' has no attribute 'Nothing'"):
        api.Nothing  # noqa: B018
