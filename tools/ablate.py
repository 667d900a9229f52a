"""Thin twin of ``m5kit ablate``."""

import sys

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["ablate", *sys.argv[1:]]))
