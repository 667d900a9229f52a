import pytest

from m5kit.errors import ContractError
from m5kit.registry import FAMILIES
from m5kit.testing import check, check_names


def test_every_family_has_checks():
    assert all(check_names(family) for family in FAMILIES)


def test_a_part_can_be_named():
    assert check("fusions", "concat", only=["is_documented"]).part.endswith("ConcatFusion")


def test_an_unknown_family_is_named():
    with pytest.raises(
        ContractError, match="there are no checks for 'fusion'; there are for encoders, descriptors, readouts, fusions"
    ):
        check_names("fusion")
