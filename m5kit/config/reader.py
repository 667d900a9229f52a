"""Reads one YAML file safely and strictly, and records the line of every value.

Only plain data is accepted: no tags, no anchors, no duplicate or non-text keys. Scalars follow YAML 1.2: ``5e-4`` is a
number and ``no`` is a word.
"""

import re
from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path
from typing import Any

import yaml

from m5kit.config.tree import Node
from m5kit.errors import ConfigError

LARGEST = 2**63
"""No library behind m5kit counts further."""

DEEPEST = 64
"""Lists and mappings inside of each other. PyYAML takes minutes over thousands, where Python's stack allows them."""

_PLAIN_SCALARS = (
    ("null", r"~|null|", "~n"),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.inf|\.nan",
        "-+.0123456789",
    ),
)


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """The table of scalar types in PyYAML's form: rules by the first character of the text."""
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {"": []}
    for name, pattern, first in _PLAIN_SCALARS:
        rule = (f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})$"))
        for character in first:
            table.setdefault(character, []).append(rule)
        if name == "null":  # an empty value has no first character
            table[""].append(rule)
    return table


class _StrictLoader(yaml.SafeLoader):
    """Refuses anchors and tags: a config must read the same to people and to every YAML library."""

    yaml_implicit_resolvers = _resolvers()
    dotted_keys = False
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Build one node; the event before it says whether it has an anchor or a tag."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="anchors are not supported", problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(problem=f"the tag {event.tag!r} is refused", problem_mark=event.start_mark)
        if self.depth > DEEPEST:
            problem = f"lists and mappings stand more than {DEEPEST} deep inside of each other"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Dumper(yaml.SafeDumper):
    """Writes what :class:`_StrictLoader` reads back to equal values."""

    yaml_implicit_resolvers = _resolvers()

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value that occurs twice in full both times, since anchors are refused."""
        return True


def read_file(path: Path) -> Node:
    """The file's content, which must be a mapping.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not plain data.
    """
    shown = display(path)  # once: it asks the file system, and every value has an origin
    node = _parse(_text(path), lambda line: f"{shown}:{line}")
    if not node.is_mapping:
        raise ConfigError([f"{shown}:1: expected keys and values, got {node.value!r}"])
    return node


def read_value(text: str, origin: str) -> Node:
    """One value as YAML types it: ``3``, ``1e-4``, ``true``, ``[a, b]``, ``{size: 64}``.

    There are no comments in it: ``shop #2`` is the name of a folder, all of it.

    Raises:
        ConfigError: it is not YAML, holds something that is refused, or something behind the value would be lost.

    Example:
        >>> read_value("1e-4", "--set").value, read_value("no", "--set").value, read_value("shop #2", "--set").value
        (0.0001, 'no', 'shop #2')
    """
    comment = re.search(r"(?:^|\s)#.*", text, flags=re.DOTALL)
    if comment is None:
        return _parse(text, lambda line: origin)
    before = text[: comment.start()]
    if not before.strip():
        return Node(text.strip(), origin)
    try:
        value = _parse(before, lambda line: origin).value
    except ConfigError:
        return _parse(text, lambda line: origin)  # the sign stands between quotes
    if isinstance(value, str) and value == before.strip():
        return Node(text.strip(), origin)
    lost = comment.group().strip()
    raise ConfigError([f"{origin}: {lost!r} would be lost, as YAML begins a comment there; quote the whole value"])


def read_data(path: Path) -> Any:
    """Plain data from a YAML file that is no config, under the same strict rules; its keys may hold dots.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or holds something that is refused.
    """
    return _strip(_parse(_text(path), lambda line: f"{display(path)}:{line}", dotted_keys=True))


def write(values: Any) -> str:
    """YAML that :func:`read_file` reads back to equal values, keys in their given order."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def write_inline(value: Any) -> str:
    """One value on one line.

    Example:
        >>> write_inline(["a", "5e-4", 5e-4])
        "[a, '5e-4', 0.0005]"
    """
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=float("inf"))
    # after a bare scalar PyYAML writes the end of the document, which is three dots
    return text.removesuffix("\n").removesuffix("\n...")


def display(path: Path) -> str:
    """``path`` as messages show it: relative to the working directory if it lies below, and without a way back."""
    try:
        resolved = path.resolve()
        if resolved.is_relative_to(Path.cwd()):
            return str(resolved.relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # a name that no file can have, or a link to itself
        return str(path)
    goes_back = ".." in dropwhile("..".__eq__, path.parts)  # a/../b; at its beginning they are as given
    return str(resolved if goes_back else path)


def _text(path: Path) -> str:
    """The content of a file, or an error that names it."""
    if path.exists() and not path.is_file():
        raise ConfigError([f"{display(path)}: is no regular file"])  # reading a pipe would wait for its other end
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{display(path)}: cannot be read: {(error.strerror or str(error)).lower()}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{display(path)}: cannot be read as UTF-8 text: {error}"]) from error


def _parse(text: str, origin: Callable[[int], str], dotted_keys: bool = False) -> Node:
    """The tree of one YAML document; ``origin`` names a line of it for messages."""
    try:
        loader = _StrictLoader(text)
        loader.dotted_keys = dotted_keys
        tree = loader.get_single_node()
        return Node({}, origin(1)) if tree is None else _convert(loader, tree, origin)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError([f"{origin(line)}: {error.problem}; write plain YAML"]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise ConfigError([f"{origin(1)}: not YAML: {error}"]) from error


def _convert(loader: _StrictLoader, tree: yaml.Node, origin: Callable[[int], str]) -> Node:
    """Turn PyYAML's node into plain values with origins; lists carry one origin for all."""
    here = origin(tree.start_mark.line + 1)
    if isinstance(tree, yaml.MappingNode):
        return Node(_mapping(loader, tree, origin), here)
    if isinstance(tree, yaml.SequenceNode):
        return Node([_strip(_convert(loader, item, origin)) for item in tree.value], here)
    value = loader.construct_object(tree)
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise yaml.MarkedYAMLError(problem=f"{value} has more than 63 bits", problem_mark=tree.start_mark)
    return Node(value, here)


def _mapping(loader: _StrictLoader, tree: yaml.MappingNode, origin: Callable[[int], str]) -> dict[str, Node]:
    """The values of a mapping by key, each with the line of its key."""
    found: dict[str, Node] = {}
    for key_node, value_node in tree.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or not key or ("." in key and not loader.dotted_keys):
            problem = f"the key {key!r} is not a word{'' if loader.dotted_keys else ' without dots'}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        if key in found:
            problem = f"the key {key!r} is written twice ({found[key].origin} has it already)"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        value = _convert(loader, value_node, origin)
        found[key] = Node(value.value, origin(key_node.start_mark.line + 1)) if value.is_mapping else value
    return found


def _strip(node: Node) -> Any:
    """The values without their origins, inside of a list."""
    return {key: _strip(child) for key, child in node.value.items()} if node.is_mapping else node.value
