"""Pieces that plugins ship are held against the parts that they name."""

import pytest

from m5kit.config.pieces import check_pieces, piece_problems
from m5kit.plugins import PluginPart, PluginScope

SCOPE = PluginScope()


@pytest.fixture
def problems(write, parts):
    def find(name, text):
        return piece_problems(write(f"_base_/{name}.yaml", text), SCOPE)

    return find


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fusion/a", "fusion: {type: t_fusion, heads: 4}"),
        ("encoder_a/a", "encoder_a: {type: t_encoder}"),
        ("task_x/a", "task_x: {type: t_task, weight: 2}"),  # the config that picks it says of which modality
        ("schedule/a", "schedule: {max_steps: 3}"),
        ("input_a/a", "input_a: {decoder: {type: t_decoder}, transform: {type: t_transform}}"),
        ("evaluation/a", "evaluation: {search: {type: t_metric, label: kind}}"),
    ],
)
def test_right_pieces_pass(problems, name, text):
    assert problems(name, text) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "fusion/a",
            "fusion:\n  type: t_fusion\n  heads: many\n  hedas: 4",
            [
                "_base_/fusion/a.yaml:3: fusion.heads: expected a valid integer, got 'many'",
                "_base_/fusion/a.yaml:4: fusion.hedas: unknown key; did you mean 'heads'?",
            ],
        ),
        (
            "evaluation/a",
            "evaluation:\n  search:\n    type: t_metrik",
            [
                "_base_/evaluation/a.yaml:3: evaluation.search.type: no metric is named 't_metrik'; "
                "did you mean 't_metric'? See: m5kit list metrics"
            ],
        ),
        ("schedule/a", "schedule: {steps: 3}", ["_base_/schedule/a.yaml:1: schedule.steps: unknown key; "]),
        (
            "fusoin/a",
            "fusoin: {type: t_fusion}",
            ["_base_/fusoin/a.yaml:1: fusoin: unknown key; did you mean 'fusion'?"],
        ),
        ("fusion/a", "head: {type: t_head}", ["_base_/fusion/a.yaml:1: a piece defines one key, that of its folder"]),
        ("fusion/a", "fusion: [", ["_base_/fusion/a.yaml:1"]),
        ("plugins/a", "plugins: [x.py]", ["_base_/plugins/a.yaml: plugins: no piece may name plugins"]),
    ],
)
def test_mistakes_are_named_with_file_line_and_key(problems, name, text, expected):
    found = problems(name, text)
    assert len(found) == len(expected)
    for one, start in zip(found, expected, strict=True):
        assert one.startswith(start)


def test_every_piece_of_a_package_is_read(write, parts, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write("zoo_pieces/configs/_base_/fusion/good.yaml", "fusion: {type: t_fusion}")
    write("zoo_pieces/configs/_base_/fusion/bad.yaml", "fusion: {type: nothing_like_it}")
    part = PluginPart("configs", "zoo", "m5kit-zoo", "1.0", 1, "zoo_pieces.configs")
    count, found = check_pieces(part, SCOPE)
    assert (count, len(found)) == (2, 1)
    empty = PluginPart("configs", "zoo", "m5kit-zoo", "1.0", 1, "zoo_pieces")
    assert check_pieces(empty, SCOPE) == (0, ["there is no piece _base_/KEY/NAME.yaml in zoo_pieces"])
