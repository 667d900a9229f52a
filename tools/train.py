"""Thin twin of ``m5kit train``."""

import sys

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["train", *sys.argv[1:]]))
