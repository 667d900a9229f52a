"""Changes from the command line: pick a piece, drop a part, set a value. All mistakes are reported at once."""

import re
from collections.abc import Callable, Sequence

from m5kit.config.reader import read_value
from m5kit.config.roots import Pieces
from m5kit.config.sections import NESTED, PARTS, SCALARS, SECTIONS, TABLES
from m5kit.config.tree import Node, merge
from m5kit.errors import ConfigError
from m5kit.signatures import suggestion

ORIGIN = "--set"
_WORD = re.compile(r"[A-Za-z][\w-]*")

Find = Callable[[str, str, Pieces, str], Node]


def apply(tree: Node, overrides: Sequence[str], pieces: Pieces, find: Find) -> tuple[Node, list[str]]:
    """Apply the overrides to ``tree``: pieces first, then values, so that their order does not matter.

    Args:
        tree: the composed config.
        overrides: ``KEY=VALUE`` each.
        pieces: that the config may pick from.
        find: gives the content of a piece by key and name; its last argument says who asks, for messages.

    Returns:
        The changed config, and one sentence a mistake.
    """
    problems: list[str] = []
    picked: set[str] = set()
    # sorted is stable, so of two values for one key the last on the command line wins
    for text in sorted(overrides, key=_turn):
        key, equals, value = (word.strip() for word in text.partition("="))
        try:
            if not equals or not key:
                raise ConfigError([f"{ORIGIN} {text}: expected KEY=VALUE"])
            # a name alone can only mean a piece; only scalars have no pieces
            sets_value = "." in key or key in SCALARS
            before = tree.child(key) if key in TABLES and key in picked else None
            tree = _set(tree, key, value) if sets_value else _pick(tree, key, value, pieces, find)
            tree = _with_entries_of(tree, key, before)
            picked.add(key)
        except ConfigError as error:
            problems += error.problems
    return tree, problems


def _turn(override: str) -> tuple[bool, bool]:
    """Pieces before values, and the type of a part before its arguments: it may be what makes the part."""
    key = override.partition("=")[0].strip()
    return "." in key, not key.endswith(".type")


def _pick(tree: Node, key: str, name: str, pieces: Pieces, find: Find) -> Node:
    """Replace the whole part ``key`` by a piece, or drop it."""
    keys = sorted({*pieces.keys(), *tree.value, *SECTIONS, *PARTS, *TABLES})
    if key not in keys:
        raise _unknown(key, key, keys)
    if name == "none":
        return Node({**tree.value, key: Node(None, ORIGIN)}, tree.origin)
    if not _WORD.fullmatch(name):
        raise ConfigError([f"{ORIGIN} {key}={name}: {_remedy(key, pieces)}"])
    return Node({**tree.value, key: find(key, name, pieces, ORIGIN)}, tree.origin)


def _remedy(key: str, pieces: Pieces) -> str:
    """What may stand behind a key of the top level."""
    names = pieces.names(key)
    if key in SECTIONS and not names:
        return f"set its keys one by one: {', '.join(f'{key}.{name}' for name in SECTIONS[key].model_fields)}"
    return f"expected the name of a piece; there are: {', '.join(names) or 'none'}"


def _with_entries_of(tree: Node, key: str, before: Node | None) -> Node:
    """A second piece of a table, such as ``hooks``, joins the first one instead of replacing it."""
    now = tree.child(key)
    if before is None or now is None or not (before.is_mapping and now.is_mapping):
        return tree
    return Node({**tree.value, key: Node({**before.value, **now.value}, now.origin)}, tree.origin)


def _set(tree: Node, path: str, text: str) -> Node:
    """Set the value at a dotted path; the arguments of a part are checked later, against its constructor."""
    *parents, last = path.split(".")
    if parents and parents[0] in SECTIONS:
        known = list(SECTIONS[parents[0]].model_fields)
        if (len(parents) > 1 or last not in known) and path.split(".")[1] not in NESTED:
            raise _unknown(path, path.partition(".")[2], known)
    elif parents and not (parents[0] in SCALARS or _is_new_part(parents, last)):
        # what a table such as rates may hold is checked with the whole config
        _walk(tree, path, parents)
    change = _read(path, text) if text else Node(None, ORIGIN)
    # wrapped from the inside out, so that merge does the rest
    for key in (last, *reversed(parents)):
        change = Node({key: change}, ORIGIN)
    return merge_later(tree, Node(change.value, tree.origin))


def _read(path: str, text: str) -> Node:
    """The value, as YAML types it; of several overrides the wrong one is named by its key."""
    try:
        return read_value(text, ORIGIN)
    except ConfigError as error:
        named = [f"{ORIGIN} {path}{problem.removeprefix(ORIGIN)}" for problem in error.problems]
        raise ConfigError(named) from error


def merge_later(tree: Node, over: Node) -> Node:
    """Merge what is written later into ``tree``; a length in steps also replaces one in minutes or passes."""
    # Where a schedule has several, steps count last: max_steps over a config with minutes would be ignored in silence.
    merged = merge(tree, over)
    given, schedule = over.child("schedule"), merged.child("schedule")
    steps = given.child("max_steps") if given is not None else None
    if given is None or schedule is None or steps is None:
        return merged
    replaced = {}
    for key in ("minutes", "epochs"):
        before = schedule.child(key)
        if given.child(key) is None and before is not None and before.value is not None:
            replaced[key] = Node(None, steps.origin)
    if not replaced:
        return merged
    return merge(merged, Node({"schedule": Node(replaced, steps.origin)}, merged.origin))


def _is_new_part(parents: Sequence[str], last: str) -> bool:
    """Whether a path leads to a part of a table, such as a metric, or to the type that makes it or a key a part."""
    if parents[0] in TABLES:
        return len(parents) == 1 or (len(parents) == 2 and last == "type")
    return parents[0] in PARTS and len(parents) == 1 and last == "type"


def _walk(tree: Node, path: str, parents: Sequence[str]) -> None:
    """Check that every step of a dotted path but the last leads to a mapping."""
    node = tree
    for key in parents:
        child = node.child(key)
        if child is None and node is tree and key in PARTS:
            raise ConfigError(
                [f"{ORIGIN} {path}: the config has no {key} yet; choose one first: --set {key}.type=NAME"]
            )
        if child is None or not child.is_mapping:
            known = [name for name, part in node.value.items() if part.is_mapping]
            # sections can be set even where the file does not write them; they have defaults
            raise _unknown(path, key, sorted({*known, *SECTIONS}) if node is tree else known)
        node = child


def _unknown(path: str, key: str, known: Sequence[str]) -> ConfigError:
    """The error for a key that the config does not have, with the nearest one."""
    hint = suggestion(key, known) or f"there are: {', '.join(known) or 'none'}"
    where = path if path == key else f"{path}: {key!r}"
    return ConfigError([f"{ORIGIN} {where}: the config has no such key; {hint}"])
