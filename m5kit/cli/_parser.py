"""The parser of the command line, of each verb and of each action."""

import argparse
from difflib import get_close_matches
from typing import Any


class Parser(argparse.ArgumentParser):
    """Answers a word or an option that it does not know with the nearest one."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.description is not None:
            self.description = self.description.replace("``", "")  # the docstring of a verb's module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Refuse words that nothing takes here, where the usage is that of the verb, and not at the top."""
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            known = [option for action in self._actions for option in action.option_strings]
            near = get_close_matches(extra[0].partition("=")[0], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.error(f"nothing here takes {' '.join(extra)!r}{hint}")
        return found, extra

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = list(map(str, action.choices))
        near = get_close_matches(str(value), known, n=1)
        hint = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise argparse.ArgumentError(action, f"there is no {value!r}; {hint}: {', '.join(known)}")
