import gc
import subprocess
import sys
import weakref

import pytest

from m5kit.collection import no_collection


class Node:
    """Holds itself, so that only a collection can take it away."""

    def __init__(self):
        self.own = self


def test_nothing_is_collected_inside_and_a_full_collection_still_finds_what_was_left():
    with no_collection():
        assert not gc.isenabled()
        left = weakref.ref(Node())
    assert gc.isenabled()
    gc.collect(1)
    assert left() is not None  # it counts as old
    gc.collect()
    assert left() is None


def test_collection_goes_on_after_an_error():
    with pytest.raises(ValueError, match="mine"), no_collection():
        raise ValueError("mine")
    assert gc.isenabled()


def test_what_a_program_set_up_stays_as_it_is():
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with no_collection():
            pass
        assert gc.get_freeze_count() == pytest.approx(frozen, rel=0.1)
    finally:
        gc.unfreeze()


def test_a_public_name_brings_torch_without_a_collection():
    code = (
        "import gc, sys; seen = []; gc.callbacks.append(lambda phase, info: seen.append('torch' in sys.modules)); "
        "import m5kit; m5kit.load; assert 'torch' in sys.modules; assert not any(seen), seen; assert gc.isenabled()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
