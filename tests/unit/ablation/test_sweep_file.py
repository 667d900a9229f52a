"""Sweep files: what they mean, and how their mistakes are told."""

import pytest

from m5kit.ablation.sweep import Variant, variants
from m5kit.ablation.sweep_file import read_sweep
from m5kit.errors import ConfigError


def written(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        read_sweep(written(tmp_path, text))
    return [problem.partition("sweep.yaml: ")[2] for problem in error.value.problems]


def test_a_variant_of_a_list_may_name_its_base(tmp_path):
    (tmp_path / "mine.yaml").write_text("_base_: []")
    sweep = read_sweep(
        written(
            tmp_path,
            "base: demo/scale\nmode: list\nmetrics: [a/b]\n"
            "vary: {ours: [x=1], clip: {base: baselines/clip, set: [y=2]}, mine: {base: mine.yaml}}\n",
        )
    )
    assert variants(sweep) == [
        Variant("ours", ("x=1",)),
        Variant("clip", ("y=2",), "baselines/clip"),
        Variant("mine", (), str(tmp_path / "mine.yaml")),
    ]


def test_a_file_is_read_with_its_defaults(tmp_path):
    sweep = read_sweep(written(tmp_path, "base: demo/scale\nvary: {fusion: [gated]}\nmetrics: [coarse/mrr@10]\n"))
    assert (sweep.seeds, sweep.mode, sweep.budget.threads, sweep.budget.seconds) == (
        (0, 1, 2, 3, 4),
        "one_factor",
        1,
        None,
    )


def test_a_base_beside_the_file_is_found_from_anywhere(tmp_path):
    (tmp_path / "mine.yaml").write_text("_base_: []")
    sweep = read_sweep(written(tmp_path, "base: mine.yaml\nvary: {fusion: [gated]}\nmetrics: [a/b]\n"))
    assert sweep.base == str(tmp_path / "mine.yaml")


@pytest.mark.parametrize("base", ["x" * 5_000, "a\\0b"])
def test_a_base_that_can_be_no_file_is_left_to_whoever_reads_it(tmp_path, base):
    text = f'base: "{base}"\nvary: {{fusion: [gated]}}\nmetrics: [a/b]\n'
    assert len(read_sweep(written(tmp_path, text)).base) > 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base: a\nvary: {f: [x]}\nmetrics: [a/b]\nseed: [1]", ["seed: unknown key; did you mean 'seeds'?"]),
        ("vary: {f: [x]}\nmetrics: [a/b]", ["base: field required"]),
        ("base: a\nvary: {f: [x]}\nmetrics: [mrr]", ["metrics: expected TASK/METRIC, got 'mrr'"]),
        (
            "base: a\nvary: {f: {base: b}}\nmetrics: [a/b]",
            ["vary.f: only mode: list has variants with a base; here it is a list of values"],
        ),
        (
            "base: a\nmode: list\nvary: {f: {bse: b}}\nmetrics: [a/b]",
            ["vary.f.bse: unknown key; did you mean 'base'?"],
        ),
        (
            "base: a\nmode: list\nvary: {f: 3}\nmetrics: [a/b]",
            ["vary.f: expected a list, got 3"],
        ),
        (
            "base: a\nvary: {f: [x]}\nmetrics: [a/b]\nevaluate: every",
            ["evaluate: expected 'all_subsets', got 'every'"],
        ),
        ("base: a\nvary: {}\nmode: list\nmetrics: [a/b]", ["vary: there is nothing to vary"]),
        ("base: a\nvary: {f: []}\nmetrics: [a/b]", ["vary.f: there are no values"]),
        (
            "base: a\nvary: {f: [null, [x], .nan, {a: 1}, x]}\nmetrics: [a/b]",
            [
                f"vary.f.{place}: expected a text, a finite number, or true or false, got {got}"
                for place, got in ((0, "None"), (1, "('x',)"), (2, "nan"), (3, "{'a': 1}"))
            ],
        ),
        ("base: a\nvary: {f: [x]}\nmetrics: [a/b]\nseeds: [1.0]", ["seeds.0: expected a valid integer, got 1.0"]),
        ("base: a\nvary: {f: [x]}\nmetrics: [a/b]\nseeds: []", ["seeds: expected at least 1 value, got ()"]),
        ("base: a\nvary: {f: [x]}\nmetrics: [a/b]\nseeds: [1, 1]", ["seeds: something is in it twice"]),
        (
            "base: a\nvary: {f: [x]}\nmetrics: [a/b]\nreference: f=y",
            ["reference: no variant is called 'f=y'; did you mean 'f=x'?"],
        ),
    ],
)
def test_mistakes_are_told(tmp_path, text, expected):
    assert mistakes(tmp_path, text) == expected


def test_several_mistakes_are_told_at_once(tmp_path):
    found = mistakes(tmp_path, "base: a\nvary: {f: [x]}\nmetrics: []\nbudget: {seconds: -1}\nmode: some")
    assert [problem.partition(":")[0] for problem in found] == ["mode", "budget.seconds", "metrics"]


def test_what_is_no_sweep_is_refused(tmp_path):
    assert mistakes(tmp_path, "[1]")[0].startswith("expected a mapping with the keys about, base")
    with pytest.raises(ConfigError, match="cannot be read as a sweep"):
        read_sweep(tmp_path / "none.yaml")


BOMB = "base: a\nmetrics: [a/b]\nvary:\n  a: &a [x, x, x]\n" + "".join(
    f"  {chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("base: a\nmetrics: [a/b]\nvary: {f: [x], f: [y]}", "the key 'f' is written twice"),
        ("base: a\nbase: b\nmetrics: [a/b]\nvary: {f: [x]}", "the key 'base' is written twice"),
        (BOMB, "anchors are not supported"),
        ("base: !!python/name:os.system {}", "is refused"),
    ],
)
def test_a_sweep_is_read_as_strictly_as_a_config(tmp_path, text, problem):
    assert problem in mistakes(tmp_path, text)[0]


def test_numbers_that_no_trial_can_use_are_mistakes(tmp_path):
    text = "base: a\nmetrics: [a/b]\nvary: {f: [x]}\nseeds: [4294967296]\nbudget: {seconds: .inf}"
    assert {"seeds.0", "budget.seconds"} <= {problem.partition(":")[0] for problem in mistakes(tmp_path, text)}


def test_words_are_words_as_in_configs(tmp_path):
    sweep = read_sweep(written(tmp_path, "base: a\nmetrics: [a/b]\nvary: {f: [no, 1e-4, true]}\n"))
    assert [variant.name for variant in variants(sweep)] == ["base", "f=no", "f=0.0001", "f=true"]


@pytest.mark.parametrize(("mode", "count"), [("grid", "1,000,000,000"), ("one_factor", "30,001")])
def test_a_sweep_of_millions_of_variants_is_refused_before_they_are_made(tmp_path, mode, count):
    values = ", ".join(map(str, range(10_000 if mode == "one_factor" else 1_000)))
    text = f"base: a\nmetrics: [a/b]\nmode: {mode}\nvary: {{f: [{values}], g: [{values}], h: [{values}]}}"
    assert mistakes(tmp_path, text) == [
        f"vary: asks for {count} variants; at most 10,000 can be compared, so name fewer values"
    ]
