"""What several verbs take: a config and the changes to it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from m5kit.data.remote.place import as_place, is_remote
from m5kit.errors import UsageError

if TYPE_CHECKING:
    from m5kit.config import Resolved

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a verb's ``add_parser`` adds itself to."""


def add_actions(parser: argparse.ArgumentParser) -> Verbs:
    """Let a verb have actions; without one it prints its help, as ``m5kit`` alone does."""
    parser.set_defaults(run=lambda _: parser.print_help())
    return parser.add_subparsers(title="actions", metavar="ACTION")


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add ``CONFIG``, ``--data`` and ``--set``."""
    parser.add_argument("config", metavar="CONFIG", help="a YAML file, or the name of a shipped one such as demo/scale")
    parser.add_argument(
        "--data", type=as_place, metavar="DIR", help="folder of the manifest, or its URL (sets data.root)"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="fusion=gated picks a piece, encoder_x=none drops a part, schedule.lr=1e-4 sets a value; repeatable",
    )
    add_permissions(parser)


def add_permissions(parser: argparse.ArgumentParser) -> None:
    """Add what whoever calls a verb may allow a run folder; ``main`` gives these permissions while the verb runs."""
    parser.add_argument(
        "--allow-local-plugins",
        action="store_true",
        help="run the local plugins that the run folder names (code: read it)",
    )
    parser.add_argument(
        "--follow-links", action="store_true", help="follow links out of the data folder if the run did so"
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add where items are embedded."""
    parser.add_argument(
        "--engine",
        choices=("here", "ray"),
        default="here",
        help="here (default): this process, or those of torchrun; ray: a cluster (RAY_ADDRESS, or one started here)",
    )


def load(options: argparse.Namespace) -> "Resolved":
    """Compose the config that :func:`add_config_options` asked for."""
    from m5kit.config import load_config

    return load_config(options.config, options.overrides, options.data)


def require_data(resolved: "Resolved", options: argparse.Namespace) -> None:
    """See that the folder of the items exists, before anything heavy is imported.

    Raises:
        ConfigError: the config names no folder, or one that is not there; with all other mistakes of the config.
    """
    from m5kit.errors import ConfigError

    problem = _problem_of_root(resolved)
    if problem is None:
        return
    problems = [problem]
    # A check imports the parts, torch with them. What m5kit ships has no mistakes; what a user wrote may have more.
    if not _is_as_shipped(options):
        problems += [each for each in _other_problems(resolved) if each != problem]
    raise ConfigError(problems)


def _is_as_shipped(options: argparse.Namespace) -> bool:
    from m5kit.config.roots import find_config, packaged_root

    shipped = packaged_root().resolve() in find_config(options.config).resolve().parents
    return shipped and not options.overrides


def _other_problems(resolved: "Resolved") -> Sequence[str]:
    from m5kit.config import check_config
    from m5kit.errors import ConfigError

    try:
        check_config(resolved)
    except ConfigError as error:
        return error.problems
    return ()


def _problem_of_root(resolved: "Resolved") -> str | None:
    from m5kit.config.section import NO_ROOT

    section = resolved.values["data"]
    root = section.get("root") if isinstance(section, dict) else None
    if root is None:
        return NO_ROOT
    if isinstance(root, str) and not is_remote(root) and not Path(root).expanduser().exists():
        return f"data.root: there is no folder {root}; name another with --data DIR"
    return None


def chosen_names(text: str) -> tuple[str, ...]:
    """Comma-separated names of one option, at least one of them.

    Raises:
        UsageError: there is none, as where a variable of a script is not set; nothing would mean everything.
    """
    found = words(text)
    if not found:
        raise UsageError([f"expected names between commas, got {text!r}; leave the option out for all"])
    return found


def words(text: str) -> tuple[str, ...]:
    """Comma-separated words of one option.

    Example:
        >>> words("image, text")
        ('image', 'text')
    """
    return tuple(word.strip() for word in text.split(",") if word.strip())
