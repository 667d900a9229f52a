"""Thin twin of ``m5kit report``."""

import sys

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["report", *sys.argv[1:]]))
