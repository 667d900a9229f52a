"""Names of shipped configs and sweeps."""

from pathlib import Path

import pytest

from m5kit.config import load_config
from m5kit.config.roots import find_sweep, packaged_root
from m5kit.errors import M5KitError, UnknownComponentError


@pytest.mark.parametrize("name", ["fusion", "ablations/fusion", "ablations/fusion.yaml"])
def test_a_shipped_sweep_is_found_by_its_name(name: str) -> None:
    assert find_sweep(name) == packaged_root() / "ablations" / "fusion.yaml"


def test_a_file_comes_before_a_shipped_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fusion").write_text("about: mine\n")
    assert find_sweep("fusion") == Path("fusion")


def test_an_unknown_sweep_is_told_the_nearest() -> None:
    with pytest.raises(
        UnknownComponentError, match=r"no sweep 'fusoin'; did you mean 'fusion'.* shipped ones: .*masking"
    ):
        find_sweep("fusoin")


def test_a_key_that_is_longer_than_any_name_has_no_pieces(tmp_path: Path) -> None:
    for base in (f"{'9' * 400}[demo/scale]", f"[{'a' * 400}/scale]"):
        (tmp_path / "leaf.yaml").write_text(f"_base_: {base}\n")
        with pytest.raises(M5KitError, match=r"9999|aaaa"):
            load_config(tmp_path / "leaf.yaml")
