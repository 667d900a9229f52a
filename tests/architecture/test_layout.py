"""The house rules that a linter does not know."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "m5kit").rglob("*.py"))
MODALITIES = {"image", "text", "table", "video", "audio"}
KNOWS_MODALITIES = ("data", "encoders")


def _name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_opens_with_a_sentence_and_is_short(path):
    source = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring, "a module says in one sentence what it is for"
    assert re.match(r"[^\n]*[.:]", docstring)
    assert source.count("\n") <= 250


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_functions_are_short(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if f.end_lineno - f.lineno >= 60] == []


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.relative_to(ROOT / "m5kit").parts[0] not in KNOWS_MODALITIES], ids=_name
)
def test_no_modality_is_named_outside_data_and_encoders(path):
    """A sixth modality changes nothing here, because nothing here knows the five."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value in MODALITIES]
    names = [n for n in ast.walk(tree) if isinstance(n, ast.arg) and n.arg in MODALITIES - {"text", "table"}]
    assert [(node.lineno, getattr(node, "value", None) or node.arg) for node in (*strings, *names)] == []


def test_every_module_of_a_family_has_a_mirror_test():
    families = (
        "harmonizers",
        "tasks",
        "balancers",
        "heads",
        "exporters",
        "hooks",
        "optimizers",
        "schedules",
        "models",
        "evaluation",
    )
    modules = [p for family in families for p in (ROOT / "m5kit" / family).glob("[a-z]*.py") if p.stem != "base"]
    tests = {p.stem for p in (ROOT / "tests" / "unit").rglob("test_*.py")}
    missing = [_name(p) for p in modules if f"test_{p.stem}" not in tests]
    assert set(missing) <= {"m5kit/models/embedder.py", "m5kit/tasks/masked_ids.py"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import m5kit", ("torch", "mmengine", "numpy")),
        ("from m5kit.registry import FUSIONS; FUSIONS.names()", ("torch", "transformers")),
        ("import m5kit.data.stats", ("torch", "matplotlib", "av")),
        (
            "import m5kit.cli; m5kit.cli.main(['config', 'check', 'demo/scale'])",
            ("torch._dynamo", "sympy", "transformers", "torch.distributed.fsdp", "matplotlib"),
        ),
        (
            "import m5kit.api",
            ("mmengine", "yapf", "transformers", "open_clip", "sklearn", "matplotlib", "av", "decord", "torchaudio"),
        ),
    ],
)
def test_heavy_libraries_are_imported_where_they_are_needed(code, absent):
    check = f"{code}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
