"""What every test stands on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from m5kit.permissions import STATE


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Links of imports and local plugins are remembered: those of tests not in the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv(STATE, str(folder))
        yield folder
