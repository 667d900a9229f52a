"""What the sources say is what importing registers, in both directions."""

from importlib import import_module

import pytest

from m5kit.registry import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_names_read_from_the_sources_are_the_names_registered(family):
    registry = FAMILIES[family]
    for module in set(registry.built_ins.values()):
        import_module(module)
    own = {name for name, part in registry.module_dict.items() if part.__module__.startswith(registry.package)}
    assert own == registry.built_ins.keys()
    assert {name: registry.module_dict[name].__module__ for name in own} == dict(registry.built_ins)
