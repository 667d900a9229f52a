"""``m5kit serve INDEX``: an HTTP service and a page to search with."""

import argparse
import os
from urllib.parse import quote

from m5kit.cli.options import Verbs
from m5kit.cli.output import write

TOKEN = "M5KIT_TOKEN"
"""A variable and not an option: other users of the machine see the options of a process."""


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "serve",
        help="serve an index: HTTP and a page",
        description=f"Serve an index over HTTP, with a page to search with. If {TOKEN} is set, clients must show it.",
    )
    parser.add_argument("index", metavar="INDEX", help="what m5kit index wrote")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8765, help="0 for any free one (default: 8765)")
    parser.add_argument("--max-mb", type=int, default=32, metavar="N", help="megabytes of a request (default: 32)")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="time of a request (default: 30)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    from m5kit.nn.pretrained.library import import_library

    _check(options)

    for library in ("fastapi", "uvicorn", "prometheus_client"):
        import_library(library, "m5kit serve", "m5kit[serve]")
    from m5kit.index.index import Index
    from m5kit.serve.app import make_app
    from m5kit.serve.server import browser_names, run_server
    from m5kit.serve.settings import Settings

    token = os.environ.get(TOKEN, "")
    settings = Settings(
        max_bytes=options.max_mb * 2**20, seconds=options.seconds, token=token, hosts=browser_names(options.host)
    )
    index = Index.open(options.index)
    index.about.require_run()
    app = make_app(index, settings)

    def ready(port: int) -> None:
        host = f"[{options.host}]" if ":" in options.host else options.host
        write(
            f"{len(index):,} items at http://{host}:{port}/{'?token=' + quote(token) if token else ''} (Ctrl+C stops)"
        )
        if not settings.hosts and not token:
            write(f"warning: other machines can reach this service, and no {TOKEN} is set")

    run_server(app, settings, options.host, options.port, ready)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be served, before anything is loaded.

    Raises:
        ConfigError: every wrong option.
    """
    import socket

    from m5kit.errors import ConfigError

    problems = []
    if not 0 <= options.port <= 65535:
        problems.append(f"--port: expected 0 to 65535, got {options.port}")
    if options.max_mb < 1:
        problems.append(f"--max-mb: expected at least 1, got {options.max_mb}")
    if not options.seconds > 0:
        problems.append(f"--seconds: expected more than 0, got {options.seconds:g}")
    if not problems:
        try:
            family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
            with socket.socket(family) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind((options.host, options.port))
        except OSError as error:
            problems.append(f"--host {options.host} --port {options.port}: {error.strerror or error}")
    if problems:
        raise ConfigError(problems)
