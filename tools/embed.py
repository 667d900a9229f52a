"""Thin twin of ``m5kit embed``."""

import sys

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["embed", *sys.argv[1:]]))
