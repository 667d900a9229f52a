"""Thin twin of ``m5kit evaluate``."""

import sys

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["evaluate", *sys.argv[1:]]))
