import pytest

from m5kit.serve.server import OWN_NAMES, browser_names


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_a_service_on_this_machine_alone_has_its_own_names(host):
    assert browser_names(host) == (*OWN_NAMES, host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.example"])
def test_one_that_others_reach_may_have_any_name(host):
    assert browser_names(host) == ()
