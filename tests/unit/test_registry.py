"""A name becomes a class: built-ins first, plugins next, nothing else."""

import sys

import pytest

from m5kit import plugins
from m5kit.api import Fusion
from m5kit.errors import ConfigError, PluginError, UnknownComponentError
from m5kit.fusions.concat import ConcatFusion
from m5kit.registry import DECODERS, FAMILIES, FUSIONS, METRICS, TASKS, ComponentRegistry


@pytest.fixture
def published(monkeypatch):
    """Publishes classes of this module as parts of a made-up distribution."""

    def publish(family, **classes):
        module = sys.modules[__name__]
        parts = []
        for name, part in classes.items():
            monkeypatch.setattr(module, part.__name__, part, raising=False)
            parts.append(plugins.PluginPart(family, name, "m5kit-made-up", "1.0", 1, f"{__name__}:{part.__name__}"))
        monkeypatch.setattr(plugins, "discover", lambda scope=None: {family: tuple(parts)})

    return publish


def test_built_ins_are_found_by_reading_sources():
    assert {"concat", "gated", "scale"} <= FUSIONS.built_ins.keys()
    assert FUSIONS.built_ins["concat"] == "m5kit.fusions.concat"
    assert FUSIONS.get("concat") is FUSIONS.get("m5kit:concat") is ConcatFusion


def test_every_family_has_its_own_names():
    assert list(FAMILIES) == [
        *(
            "encoders",
            "descriptors",
            "readouts",
            "fusions",
            "harmonizers",
            "tasks",
            "balancers",
            "heads",
            "optimizers",
            "schedules",
            "metrics",
            "exporters",
            "hooks",
            "decoders",
            "transforms",
            "datasets",
        ),
    ]
    assert all(family.built_ins for family in FAMILIES.values())


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(
        UnknownComponentError, match=r"no fusion is named 'conact'; did you mean 'concat'\? See: m5kit list"
    ):
        FUSIONS.get("conact")


def test_a_name_of_another_family_is_told_so():
    with pytest.raises(UnknownComponentError, match=r"no task is named 'concat'; 'concat' is a fusion\. See:"):
        TASKS.get("concat")


@pytest.mark.parametrize(
    "name",
    [
        *("subprocess.run", "os:system", "builtins.eval", "m5kit.fusions.concat.ConcatFusion", "torch.nn.Linear"),
        *("m5kit:subprocess.run", "mmengine::Config", "..fusions.concat", "../concat", "", "concat ", "Config"),
    ],
)
def test_only_registered_names_reach_anything(name):
    with pytest.raises(UnknownComponentError, match="no fusion is named"):
        FUSIONS.build({"type": name, "args": ["true"]})


def test_known_values_are_passed_to_those_that_take_them():
    fusion = FUSIONS.build({"type": "concat"}, modalities=("a", "b"), dim=8, classes=3)
    assert (fusion.modalities, fusion.dim) == (("a", "b"), 8)


def test_mistaken_arguments_are_all_told():
    with pytest.raises(ConfigError) as caught:
        METRICS.build({"type": "knn", "trian": "train", "label": "x", "test": "test"})
    assert caught.value.problems == (
        "metric 'knn': unknown key 'trian', did you mean 'train'?",
        "metric 'knn': 'train' is missing",
    )


def test_a_plugin_cannot_take_the_place_of_a_built_in(published):
    class Impostor(FUSIONS.get("concat")):
        pass

    published("fusions", concat=Impostor)
    assert FUSIONS.get("concat") is ConcatFusion
    assert FUSIONS.get("m5kit-made-up:concat") is Impostor
    with pytest.raises(
        PluginError, match="registers the fusion 'concat', which m5kit itself provides; choose another name"
    ):
        FUSIONS.register_module("concat")(Impostor)


def test_a_plugin_of_another_family_is_refused(published):
    published("decoders", shiny=FUSIONS.get("concat"))
    with pytest.raises(
        PluginError, match=r"m5kit-made-up 1.0 cannot provide the decoder 'shiny'.*m5kit.api.Decoder\nfix"
    ):
        DECODERS.get("shiny")


def test_a_plugin_that_cannot_be_built_is_named(published):
    class Crashing(FUSIONS.get("concat")):
        def __init__(self) -> None:
            raise OSError("no such device")

    published("fusions", crashing=Crashing)
    with pytest.raises(
        PluginError, match=r"m5kit-made-up 1.0 cannot build its fusion 'crashing': OSError: no such device\n"
    ):
        FUSIONS.build({"type": "crashing"})


def test_a_part_that_forgets_what_its_base_declares_is_refused():
    class Forgetful(Fusion):
        def __init__(self, *, dim: int) -> None:
            super().__init__()
            self.dim = dim

        def forward(self, tokens, weights):
            raise NotImplementedError

    told = r"the fusion 'forgetful' must set self\.modalities in its constructor"
    with FUSIONS.temporarily("forgetful", Forgetful), pytest.raises(PluginError, match=told):
        FUSIONS.build({"type": "forgetful"}, dim=4)


def test_a_part_may_be_registered_for_a_while():
    class Passing(FUSIONS.get("concat")):
        pass

    with FUSIONS.temporarily("concat", Passing):
        assert FUSIONS.get("concat") is Passing
        FUSIONS.get("mean")
    assert FUSIONS.get("concat") is ConcatFusion
    assert FUSIONS.get("mean").__module__ == "m5kit.fusions.mean"


@pytest.mark.parametrize("family", [TASKS, METRICS], ids=lambda family: family.family)
def test_what_a_built_in_declares_is_known_without_an_import(family: ComponentRegistry) -> None:
    least = {name: family.declared(name, "least_modalities") for name in family.built_ins}
    assert max(each or 1 for each in least.values()) == 2
    for name, declared in least.items():
        assert family.get(name).least_modalities == (declared or 1), name
    assert family.declared("no such part", "least_modalities") is None


def test_a_class_may_be_defined_again_but_not_take_anothers_name():
    def define():
        class Mine(FUSIONS.get("mean")):
            pass

        return Mine

    try:
        FUSIONS.register_module("mine")(define())
        again = FUSIONS.register_module("mine")(define())  # as a cell of a notebook that is run twice
        assert FUSIONS.get("mine") is again
        other = type("Other", (again,), {})
        with pytest.raises(
            PluginError, match=r"registers the fusion 'mine', which .*Mine has taken; choose another name"
        ):
            FUSIONS.register_module("mine")(other)
        assert FUSIONS.register_module("mine", force=True)(other) is FUSIONS.get("mine")
        assert FUSIONS.register_module()(other) is FUSIONS.get("Other")  # these two as with mmengine
        assert FUSIONS.register_module(name="Third", module=other) is FUSIONS.get("Third")
    finally:
        for name in ("mine", "Other", "Third"):
            FUSIONS.module_dict.pop(name, None)
