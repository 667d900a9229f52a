import pickle

import pytest

import m5kit.structures
from m5kit.structures import Sample


def test_every_name_of_the_package_is_found():
    assert m5kit.structures.__all__ == list(m5kit.structures._HOMES)
    assert all(getattr(m5kit.structures, name) is not None for name in m5kit.structures.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Samples'"):
        m5kit.structures.Samples  # noqa: B018


def test_a_sample_can_be_sent_to_a_process():
    sample = Sample("a", {"text": "red"}, {"kind": "mug"}, "train")
    assert pickle.loads(pickle.dumps(sample)) == sample
