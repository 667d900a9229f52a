"""Permissions come from the caller and end with what they were given for."""

import os

from m5kit.permissions import FOLLOW_LINKS, LOCAL_PLUGINS, allowing, is_allowed


def test_a_permission_holds_inside_and_ends_with_the_block(monkeypatch):
    monkeypatch.setenv(LOCAL_PLUGINS, "0")
    with allowing(FOLLOW_LINKS, LOCAL_PLUGINS):
        assert is_allowed(FOLLOW_LINKS)
        assert is_allowed(LOCAL_PLUGINS)
    assert FOLLOW_LINKS not in os.environ
    assert not is_allowed(LOCAL_PLUGINS)
