"""Checks the config pieces that a plugin ships, each by itself: it must be right in whatever config uses it."""

from pathlib import Path

from m5kit.config.check import origin_of, value_problems
from m5kit.config.load import read_piece
from m5kit.config.plugin_scope import KEY as PLUGINS
from m5kit.config.reader import display
from m5kit.config.roots import PIECES, part_folders
from m5kit.config.tree import Node, origins, to_plain
from m5kit.errors import ConfigError
from m5kit.plugins import PluginPart, PluginScope


def check_pieces(part: PluginPart, scope: PluginScope) -> tuple[int, list[str]]:
    """Check every piece of a published package of configs against the constructors of the parts that it names.

    Args:
        part: an entry point of the group ``m5kit.v1.configs``.
        scope: the plugins whose parts the pieces may name.

    Returns:
        The number of pieces, and every mistake with file, line and key.
    """
    paths: list[Path] = []
    for folder in part_folders(part):
        paths += sorted((folder / PIECES).glob("*/*.yaml"))
    problems = []
    for path in paths:
        problems += piece_problems(path, scope)
    if not paths:
        problems.append(f"there is no piece {PIECES}/KEY/NAME.yaml in {part.target}")
    return len(paths), problems


def piece_problems(path: Path, scope: PluginScope) -> list[str]:
    """Mistakes of one piece. A missing argument is not one, because the config that picks the piece may add it."""
    key = path.parent.name
    if key == PLUGINS:
        return [f"{display(path)}: {key}: no piece may name plugins"]
    try:
        value = read_piece(path, key)
    except ConfigError as error:
        return list(error.problems)
    # as if it were the whole config, so that problems have full keys
    tree = Node({key: value}, f"{display(path)}:1")
    places = dict(origins(tree))
    problems = value_problems(to_plain(tree), scope, whole=False)
    return [f"{origin_of(place, places, display(path))}: {place}: {text}" for place, text in problems]
