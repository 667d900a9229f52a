"""``python -m m5kit.testing FAMILY NAME``: check one registered part, in a process that a caller may end."""

import sys
from collections.abc import Sequence

from m5kit.errors import M5KitError
from m5kit.testing import ConformanceError, check


def main(arguments: Sequence[str]) -> int:
    """Print the report; status 1 if a check failed, 2 if the part cannot be tried."""
    family, name = arguments
    try:
        sys.stdout.write(f"{check(family, name)}\n")
    except ConformanceError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    except M5KitError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
