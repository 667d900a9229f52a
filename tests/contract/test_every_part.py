"""Every registered part, built-in or installed plugin, against every check of its family."""

import pytest

from m5kit.errors import MissingDependencyError
from m5kit.registry import FAMILIES
from m5kit.testing import check, check_names
from m5kit.testing.imports import import_facts

PARTS = [(family, name) for family, registry in FAMILIES.items() for name in registry.names()]
CASES = [(family, name, rule) for family, name in PARTS for rule in check_names(family)]


@pytest.fixture(scope="session", autouse=True)
def _imports_in_one_process():
    """Python and torch start once for the import checks of all parts, not once for each."""
    first, *others = sorted({module for registry in FAMILIES.values() for module in registry.built_ins.values()})
    import_facts(first, others)


@pytest.mark.parametrize(("family", "name", "rule"), CASES)
def test_a_part_keeps_the_contract(family, name, rule):
    try:
        report = check(family, name, only=[rule])
    except MissingDependencyError as error:
        pytest.skip(str(error))
    if report.skipped:
        pytest.skip(report.skipped[rule])
    assert report.passed == (rule,)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_goes_unchecked(family):
    assert len(check_names(family)) >= 8
    assert any(part == family for part, _ in PARTS)
