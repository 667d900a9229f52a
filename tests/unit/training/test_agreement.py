"""Processes with other configs, software or items are told so on all of them; nothing is trained."""

import logging
from types import SimpleNamespace

import pytest

from m5kit.config import load_config
from m5kit.errors import ConfigError
from m5kit.parallel.group import Group
from m5kit.runs.software import REQUIRED
from m5kit.training import agreement
from m5kit.training.agreement import require_same_items, require_same_plan


def refusals(on_ranks, size, check):
    """What each process says, or None where it goes on."""

    def one_process(group):
        try:
            check(group)
        except ConfigError as error:
            return error.problems
        return None

    return on_ranks(size, one_process)


def plan_of(group, *overrides):
    require_same_plan(group, load_config("demo/scale", overrides))


def test_other_settings_are_named_on_all_processes(on_ranks):
    def check(group):
        plan_of(group, *["schedule.lr=0.1"] * (group.rank == 2), *["fusion=gated"] * (not group.first))

    every = refusals(on_ranks, 3, check)
    assert every[0] == every[1] == every[2]
    assert any(text.strip().startswith("fusion.type: process 1 on ") for text in every[0])
    rate = next(text for text in every[0] if text.strip().startswith("schedule.lr"))
    assert "process 2 on " in rate
    assert "has 0.1, the first one has 0.002; start all processes with the same" in rate


def test_a_machine_has_folders_and_workers_of_its_own(on_ranks):
    def check(group):
        plan_of(group, f"data.workers={group.rank}", f"data.root=/data/{group.rank}")

    assert refusals(on_ranks, 2, check) == [None, None]


@pytest.mark.parametrize(
    ("library", "refused"),
    [("torch", True), ("m5kit", True), ("a plugin", True), ("av", False), (f"timm{REQUIRED}", False)],
)
def test_other_software(on_ranks, monkeypatch, library, refused):
    def check(group):
        monkeypatch.setattr(agreement, "software", lambda _: {library: f"{group.rank}.0"})
        plan_of(group)

    every = refusals(on_ranks, 2, check)
    assert every == [None, None] or refused
    if refused:
        assert f"{library}: process 1 on " in every[0][0]


def test_another_version_of_a_decoder_is_said(on_ranks, monkeypatch):
    def said(group):
        lines = []
        monkeypatch.setattr(agreement, "software", lambda _: {"av": f"{group.rank}.0"})
        agreement.LOGGER.addHandler(handler := logging.Handler())
        handler.emit = lambda record: lines.append(record.getMessage())
        plan_of(group)
        return lines

    assert "av: process 1 on " in on_ranks(2, said)[0][0]


def test_other_items(on_ranks):
    def check(group):
        dataset = SimpleNamespace(fingerprint=lambda: {"manifest": "annotations.jsonl", "items": 600 - group.rank})
        require_same_items(group, dataset)

    every = refusals(on_ranks, 2, check)
    assert every[0] == every[1]
    assert len(every[0]) == 1
    assert "has 599, the first one has 600; give all machines the same items" in every[0][0]


def test_alone_there_is_nobody_to_differ_from():
    plan_of(Group())
    require_same_items(Group(), SimpleNamespace(fingerprint=lambda: {"items": 3}))
