import sys

import pytest

from m5kit.errors import DataError, M5KitError, MissingDependencyError
from m5kit.parallel.ray_cluster import join_ray, rows_of, workers


class FakeRay:
    """As much of Ray as these functions use: what the cluster has, and the class of its errors."""

    class exceptions:  # noqa: N801  # as Ray calls it
        RayError = RuntimeError

    def __init__(self, **resources):
        self.resources = resources

    def cluster_resources(self):
        return self.resources


class Rows:
    def __init__(self, error):
        self.error = error

    def iter_rows(self):
        yield {"number": 0}
        raise self.error


def test_without_the_library_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"--engine ray needs the library 'ray'.*m5kit\[ray\]"):
        join_ray("--engine ray")


@pytest.mark.parametrize(
    ("resources", "tasks", "options"),
    [
        ({"CPU": 2.0}, 9, {"concurrency": 2, "num_cpus": 1}),
        ({"CPU": 64.0}, 3, {"concurrency": 3, "num_cpus": 1}),
        ({"CPU": 64.0, "GPU": 8.0}, 90, {"concurrency": 8, "num_gpus": 1}),
    ],
)
def test_there_is_a_process_for_each_accelerator_or_processor(resources, tasks, options):
    assert workers(FakeRay(**resources), tasks) == options


def test_an_error_of_m5kit_is_raised_as_it_was():
    wrapped = RuntimeError("a long traceback")
    wrapped.cause = RuntimeError("more of it")
    wrapped.cause.__cause__ = DataError("the manifest is gone")
    rows = rows_of(FakeRay(), Rows(wrapped))
    assert next(rows) == {"number": 0}
    with pytest.raises(DataError, match=r"^the manifest is gone$"):
        next(rows)


def test_any_other_error_says_that_the_cluster_lost_the_work():
    rows = rows_of(FakeRay(), Rows(RuntimeError("a node died")))
    next(rows)
    with pytest.raises(M5KitError, match="the Ray cluster lost the work"):
        next(rows)
