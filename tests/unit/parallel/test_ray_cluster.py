import pickle
import sys

import pytest

from m5kit.errors import ConfigError, M5KitError, MissingDependencyError
from m5kit.parallel.ray_cluster import apply, join_ray, over, processors


class FakeRay:
    """As much of Ray as these functions use, in this process; a lost machine raises ``RayError``."""

    class exceptions:  # noqa: N801  # as Ray calls it
        RayError = RuntimeError

    def __init__(self, **resources):
        self.resources, self.options = resources, {}
        self.data = self

    def cluster_resources(self):
        return self.resources

    def from_items(self, rows, override_num_blocks):
        assert override_num_blocks == len(rows)
        self.rows = rows
        return self

    def map(self, function, **options):
        self.function, self.options = function, options
        return self

    def iter_rows(self):
        return map(self.function, reversed(self.rows))


def half(number):
    if number == 13:
        raise ConfigError(["13: expected an even number"])
    if number == 0:
        raise RuntimeError("a machine died")
    return {"half": number / 2}


def test_without_the_library_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"--engine ray needs the library 'ray'.*m5kit\[ray\]"):
        join_ray("--engine ray")


@pytest.mark.parametrize(
    ("resources", "accelerated", "most", "needs"),
    [
        ({"CPU": 2.0}, False, 2, {"num_cpus": 1}),
        ({"CPU": 2.0}, True, 2, {"num_cpus": 1}),
        ({"CPU": 64.0, "GPU": 8.0}, False, 64, {"num_cpus": 1}),
        ({"CPU": 64.0, "GPU": 8.0}, True, 8, {"num_gpus": 1}),
    ],
)
def test_a_task_takes_an_accelerator_or_a_processor(resources, accelerated, most, needs):
    ray = FakeRay(**resources)
    assert processors(ray) == resources["CPU"]
    assert list(over(ray, [2] * 90, half, accelerated)) == [{"half": 1.0}] * 90
    assert ray.options == {"concurrency": most, **needs}


def test_what_is_made_comes_as_it_was_made():
    assert list(over(FakeRay(CPU=2.0), [2, 4, 6], half)) == [{"half": 3.0}, {"half": 2.0}, {"half": 1.0}]


def test_a_mistake_arrives_with_its_message_alone():
    assert "expected an even number" in apply({"value": pickle.dumps(13)}, function=half)["mistake"]
    with pytest.raises(M5KitError, match=r"^the config has 1 mistake:\n  13: expected an even number$"):
        list(over(FakeRay(CPU=2.0), [13], half))


def test_any_other_error_says_that_the_cluster_lost_the_work():
    with pytest.raises(M5KitError, match="the Ray cluster lost the work"):
        list(over(FakeRay(CPU=2.0), [0], half))
