"""The frame: help without torch, errors as messages, exit states."""

import argparse
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import m5kit
from m5kit.cli import main
from m5kit.cli.output import write
from m5kit.errors import ConfigError, MissingDependencyError

frame = import_module("m5kit.cli.main")  # the package exports the function of that name

TOOLS = Path(__file__).parents[3] / "tools"


def verb(run: Callable[[argparse.Namespace], int]) -> ModuleType:
    module = ModuleType("verb")
    module.add_parser = lambda verbs: verbs.add_parser("act").set_defaults(run=run)  # type: ignore[attr-defined]
    return module


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace], int]], int]:
    """Runs a function as the verb ``act``."""

    def run(function: Callable[[argparse.Namespace], int]) -> int:
        monkeypatch.setattr(frame, "_verb_modules", lambda: [verb(function)])
        return main(["act"])

    return run


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = (
        "import sys, json\n"
        "from m5kit.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr))
    assert not loaded & {"torch", "mmengine", "numpy", "transformers", "rich", "pydantic", "av"}
    for name in ("config", "list", "show"):
        assert f"    {name} " in done.stdout


@pytest.mark.parametrize("name", [module.__name__.rpartition(".")[2] for module in frame._verb_modules()])
def test_every_verb_has_a_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main([name, "--help"])
    except SystemExit as ended:
        status = ended.code
    assert status == 0
    assert capsys.readouterr().out.startswith(f"usage: m5kit {name} ")


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "VERB" in capsys.readouterr().out


def test_the_verbs_status_is_the_commands(act: Callable[..., int]) -> None:
    assert act(lambda options: 3) == 3
    assert act(lambda options: None) == 0


def test_what_a_user_can_mend_is_a_message_without_a_traceback(
    act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: argparse.Namespace) -> int:
        raise ConfigError(["seed: expected a number"])

    assert act(fail) == 2
    assert capsys.readouterr().err == "error: the config has 1 mistake:\n  seed: expected a number\n"


def test_a_bug_keeps_its_traceback(act: Callable[..., int]) -> None:
    with pytest.raises(ZeroDivisionError):
        act(lambda options: 1 // 0)


def test_an_interrupt_is_one_line(act: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(options: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    assert act(interrupt) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_being_terminated_cleans_up_and_is_one_line(
    act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    def wait(options: argparse.Namespace) -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)
        return 0

    assert act(wait) == 143
    assert cleaned == [True]
    assert capsys.readouterr().err == "terminated\n"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "m5kit", "list"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("words", [["list"], ["config", "show", "demo/scale"]])
def test_a_full_disk_under_the_output_is_one_sentence(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "m5kit", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    expected = "error: no space left on device; make room there, or name another place\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_a_working_directory_that_was_removed_is_told() -> None:
    command = 'cd "$(mktemp -d)" && rmdir "$PWD" && "$0" -m m5kit config check demo/scale'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(m5kit.__file__).parents[1])},
    )
    assert done.returncode == 2
    assert done.stderr == "error: the folder in which this command was started was removed; go to another (cd)\n"


def test_closed_outputs_do_no_harm() -> None:
    command = f"{sys.executable} -m m5kit list >&- && {sys.executable} -m m5kit list 2>&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "encoders" in done.stdout


def test_no_name_of_a_stranger_steers_the_terminal(act: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    def fail(options: argparse.Namespace) -> int:
        write("item a\x1b]0;b\x07")
        raise ConfigError(["\x1b[2J: no such item"])

    assert act(fail) == 2
    assert "\x1b" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["train", "evaluate", "embed"])
def test_the_tools_are_twins_of_the_verbs(name: str) -> None:
    code = (
        "import runpy, sys, m5kit.cli\n"
        "m5kit.cli.main = lambda arguments: print(arguments) or 7\n"
        f"sys.argv = ['{name}.py', 'X', '--y']\n"
        f"runpy.run_path({str(TOOLS / f'{name}.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, f"['{name}', 'X', '--y']\n")


def test_names_that_the_terminal_has_no_letters_for_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "annotations.jsonl").write_text('{"id": "a", "image": "m/\\ud800.jpg"}\n')
    command = [sys.executable, "-m", "m5kit", "data", "validate", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "line 1: image: m/\\ud800.jpg is missing" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_one_sentence(act: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    def full(options: argparse.Namespace) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "run/metrics.jsonl")

    assert act(full) == 2
    assert capsys.readouterr().err == (
        "error: run/metrics.jsonl: no space left on device; make room there, or name another place\n"
    )


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.EAGAIN])
def test_what_the_machine_refuses_is_told_too_where_no_file_is_named(
    act: Callable[..., int], capsys: pytest.CaptureFixture[str], code: int
) -> None:
    def refused(options: argparse.Namespace) -> int:
        raise OSError(code, os.strerror(code))

    assert act(refused) == 2
    assert capsys.readouterr().err.startswith(f"error: {os.strerror(code).lower()}; ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.EEXIST, "runs/a: file exists; name another place"),
        (errno.ENOTDIR, "runs/a: not a directory; a part of this path is a file; name another place"),
        (errno.ENAMETOOLONG, "runs/a: file name too long; shorten it"),
        (errno.ELOOP, "runs/a: too many levels of symbolic links"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_in_a_sentence(
    code: int, said: str, act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(options: argparse.Namespace) -> int:
        raise OSError(code, os.strerror(code), "runs/a")

    assert act(refused) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "the memory is used up"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "the memory is used up"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "the memory is used up"),
        (RuntimeError("can't start new thread"), "no further thread may be started; allow more (ulimit -u)"),
    ],
)
def test_what_the_machine_has_no_more_of_is_said_in_a_sentence(
    error: Exception, said: str, act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def large(options: argparse.Namespace) -> int:
        raise error

    assert act(large) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")


def test_other_errors_are_bugs_and_keep_their_trace(act: Callable[..., int]) -> None:
    def broken(options: argparse.Namespace) -> int:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        act(broken)


def test_other_errors_of_the_system_are_bugs_and_keep_their_trace(act: Callable[..., int]) -> None:
    def broken(options: argparse.Namespace) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    with pytest.raises(OSError, match="Invalid argument"):
        act(broken)


@pytest.mark.parametrize(
    ("words", "near"),
    [(["trian"], "'train'"), (["data", "imporrt"], "'import'"), (["config", "chek"], "'check'")],
)
def test_a_misspelt_word_is_answered_with_the_nearest(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert f"there is no {words[-1]!r}; did you mean {near}? There are: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["--dta", "x"], "nothing here takes '--dta x'; did you mean --data?"), (["shop"], "nothing here takes 'shop'\n")],
)
def test_what_a_verb_does_not_take_is_refused_with_its_usage(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["train", "demo/scale", *words])
    printed = capsys.readouterr().err
    assert printed.startswith("usage: m5kit train ")
    assert hint in printed


def test_a_file_that_may_not_be_read_is_named_in_a_sentence(
    act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(options: argparse.Namespace) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "shop/annotations.jsonl")

    assert act(refused) == 2
    assert capsys.readouterr().err == (
        "error: shop/annotations.jsonl: permission denied; see who may read and write it, or name another place\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        "ablate fusion --out {}",
        "data import csv a.csv {}",
        "data import m5product {} --metadata a.json",
        "data make-demo {}",
        "data stats a.jsonl --html {}",
        "embed run --data demo --out {}",
        "export run --out {}",
        "plugins new fusions x --out {}",
        "report run --out {}",
        "train demo/scale --run-dir {}",
    ],
)
def test_what_is_written_on_this_machine_is_not_sent_to_a_url(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words.format("s3://bucket/x.npz").split()) == 2
    assert "expected a path of this machine, got the URL s3://bucket/x.npz" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ModuleNotFoundError("No module named 'x'"), "error: an index needs the library 'lancedb', which is not inst"),
        (
            ImportError("undefined symbol: a"),
            "error: an index needs the library 'lancedb', which cannot be imported (undefined symbol: a); run: pip "
            "install --force-reinstall lancedb\n",
        ),
        (ImportError("x.so: failed to map segment from shared object"), "error: the memory is used up; "),
    ],
)
def test_a_library_that_is_there_is_not_called_missing(
    cause: ImportError, said: str, act: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def unloaded(options: argparse.Namespace) -> int:
        raise MissingDependencyError("lancedb", "an index", "index", cause) from cause

    assert act(unloaded) == 2
    assert capsys.readouterr().err.startswith(said)
