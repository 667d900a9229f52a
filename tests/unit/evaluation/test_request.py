"""Requests and changes: equal ones are one key, and impossible ones are refused."""

import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.request import Corruption, Request
from m5kit.structures import Sample


def test_equal_changes_make_one_request_and_other_strengths_another():
    half, again, all_of_it = (Request("test", corruption=Corruption("missing", "a", s)) for s in (0.5, 0.5, 1.0))
    assert {half, again, all_of_it} == {half, all_of_it}


def test_made_up_items_tell_requests_apart():
    one, same, other = (Request("prompts", samples=(Sample("x", {"a": word}),)) for word in ("cup", "cup", "jug"))
    assert len({one, same, other}) == 2


@pytest.mark.parametrize(
    ("kind", "strength", "message"),
    [
        ("fog", 0.5, "kind: expected 'missing', 'noise', 'mismatch', 'withheld', got 'fog'"),
        ("missing", 1.5, "missing takes a share from 0 to 1, got 1.5"),
        ("noise", -1.0, "got -1.0"),
    ],
)
def test_what_cannot_be_done_to_items_is_refused(kind, strength, message):
    with pytest.raises(ConfigError, match=message):
        Corruption(kind, None, strength)


def test_noise_may_be_stronger_than_the_signal():
    assert Corruption("noise", None, 4.0).strength == 4.0


def test_a_request_of_a_config_has_its_modalities_sorted_and_once():
    assert Request.of("test", ["b", "a", "b"], "item") == Request("test", ("a", "b"))
    assert Request.of("test", "a", "contrastive") == Request("test", ("a",), "contrastive")
    assert Request.of("test", None, "item") == Request("test", None)


def test_another_space_or_modality_of_properties_is_another_request():
    requests = (Request("test"), Request("test", space="unscaled"), Request("test", properties="facts"))
    assert len(set(requests)) == 3


def test_requests_with_samples_can_be_keys_although_samples_have_no_hash():
    with pytest.raises(TypeError):
        hash(Sample("x", {"a": "cup"}))
    assert {Request("prompts", samples=(Sample("x", {"a": "cup"}),)): 1}


def test_an_unknown_space_is_refused():
    with pytest.raises(ConfigError, match="expected 'item', 'fused', 'unscaled', 'contrastive' or the name of a"):
        Request("test", space="")


def test_requests_of_the_same_thing_are_one_key():
    assert {Request.of("test", ["b", "a"], "item"), Request.of("test", ("a", "b", "a"), "item")} == {
        Request("test", ("a", "b"))
    }


def test_one_modality_may_be_a_bare_name():
    assert Request.of("test", "sound", "contrastive").modalities == ("sound",)


def test_an_unknown_space_is_named():
    with pytest.raises(ConfigError, match="expected 'item', 'fused', 'unscaled', 'contrastive' or the name of a"):
        Request("test", space="")
