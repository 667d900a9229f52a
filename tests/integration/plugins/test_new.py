"""A new plugin works as it is written: it installs, passes its own tests and the kit."""

import subprocess
import sys

import pytest

from m5kit import plugins
from m5kit.cli import main
from m5kit.cli._plugins import check_part, named
from m5kit.registry import FAMILIES

SINGULAR = [family.singular for family in FAMILIES.values()]


@pytest.mark.parametrize("family", SINGULAR)
def test_a_new_plugin_is_complete(family, tmp_path, capsys):
    folder = tmp_path / "it"
    assert main(["plugins", "new", family, "my_part", "--out", str(folder)]) == 0
    assert f"m5kit plugins check m5kit-{family}-my-part" in capsys.readouterr().out
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        *("pyproject.toml", "README.md", "LICENSE", ".github/workflows/test.yml"),
        *(f"m5kit_{family}_my_part.py", "tests/test_my_part.py"),
    }
    compile((folder / f"m5kit_{family}_my_part.py").read_text(), "part", "exec")


@pytest.mark.parametrize("family", SINGULAR)
def test_a_new_plugin_passes_the_kit_untouched(family, tmp_path, on_path):
    folder = tmp_path / "it"
    main(["plugins", "new", family, "my_part", "--out", str(folder)])
    on_path(folder)
    module = __import__(f"m5kit_{family}_my_part")
    from m5kit.testing import check

    assert check(f"{family}s", module.MyPart).failed == {}


def test_a_new_modality_has_everything_that_a_config_needs(tmp_path, on_path, capsys):
    folder = tmp_path / "it"
    assert main(["plugins", "new", "modality", "depth_map", "--out", str(folder)]) == 0
    assert "m5kit plugins check m5kit-modality-depth-map" in capsys.readouterr().out
    on_path(folder)
    from m5kit.config.reader import read_file
    from m5kit.testing import check

    for family, cls in (("decoders", "Decoder"), ("transforms", "Transform"), ("encoders", "Encoder")):
        module = __import__(f"m5kit_modality_depth_map.{cls.lower()}", fromlist=[cls])
        assert check(family, getattr(module, f"DepthMap{cls}")).failed == {}
    pieces = sorted(folder.rglob("*.yaml"))
    assert [path.parent.name for path in pieces] == ["encoder_depth_map", "input_depth_map"]
    assert [list(read_file(path).value) for path in pieces] == [["encoder_depth_map"], ["input_depth_map"]]


def test_a_modality_of_m5kit_is_not_written_anew(tmp_path, capsys):
    assert main(["plugins", "new", "modality", "audio", "--out", str(tmp_path / "it")]) == 2
    assert "m5kit has the modality 'audio' itself" in capsys.readouterr().err


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new plugin of every kind: their folders, and where pip put them; all at once, as pip takes long to start."""
    folders, site = [], tmp_path_factory.mktemp("site")
    for family in SINGULAR:
        folders.append(tmp_path_factory.mktemp("new") / family)
        main(["plugins", "new", family, "my_part", "--out", str(folders[-1])])
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
    ]
    subprocess.run([*pip, *map(str, folders)], check=True, capture_output=True)
    return folders, site


@pytest.mark.slow
def test_a_new_plugin_of_each_kind_installs_and_passes_its_tests_and_the_kit(installed, on_path):
    folders, site = installed
    on_path(site)
    for family in SINGULAR:
        (part,) = named(f"m5kit-{family}-my-part")
        passed, report = check_part(part, 120.0)
        assert passed, report
    # the files of all kinds have one name
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    tests = [str(folder / "tests") for folder in folders]
    done = subprocess.run([*pytest_command, *tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MyPart", "expected a name such as my_part (lower case, digits, _), got 'MyPart'"),
        ("class", "expected a name such as my_part"),
        ("../up", "expected a name such as my_part"),
        ("concat", "m5kit has a fusion 'concat' itself; choose another name"),
    ],
)
def test_names_that_would_not_work_are_refused(name, text, tmp_path, capsys):
    assert main(["plugins", "new", "fusion", name, "--out", str(tmp_path / "it")]) == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "it").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine").touch()
    assert main(["plugins", "new", "fusion", "my_part", "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} holds something already; choose another folder" in capsys.readouterr().err


def test_without_plugins_the_list_says_how_to_start_one(monkeypatch, capsys):
    monkeypatch.setenv(plugins.ALLOW_VARIABLE, "")
    assert main(["plugins", "list"]) == 0
    assert "m5kit plugins new encoder my_encoder writes one" in capsys.readouterr().out
    assert main(["plugins", "check"]) == 1
    assert main(["plugins", "show", "nothing"]) == 2
    assert "no plugin and no part of one is called 'nothing'" in capsys.readouterr().err


def test_show_tells_what_a_distribution_offers(examples, capsys):
    assert main(["plugins", "show", "m5kit-modality-points"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("m5kit-modality-points 0.1.0")
    assert "decoders/xyz = m5kit_modality_points.decoder:XyzDecoder (m5kit API v1)" in said
    assert "  neighbours: int = 8" in said
    assert "pieces and leaves of configs" in said


def test_check_of_one_part_prints_its_report(examples, capsys):
    assert main(["plugins", "check", "bag_of_words"]) == 0
    said = capsys.readouterr().out
    assert "ok     m5kit-encoder-bag-of-words 0.1.0 encoders/bag_of_words" in said
    assert "20 checks ran, 0 failed" in said
    assert said.endswith("1 part checked, 0 failed\n")
