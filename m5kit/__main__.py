"""``python -m m5kit`` works like ``m5kit``."""

from m5kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
