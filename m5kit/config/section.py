"""What the sections of a config are made of: a closed set of keys, and kinds of values that several share."""

import os
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What NumPy and every other generator takes."""
UserPath = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path in which ``~`` is the user's home: no shell puts it in place behind an equals sign."""

NO_ROOT = "data.root: no data folder is set; add --data DIR, a folder with annotations.jsonl"
"""The mistake of a run that is told of no items; a config by itself need not name any."""


class Section(BaseModel):
    """A closed set of keys. Values are read strictly: ``"3"`` is not a number and ``1`` is not a bool."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=(), allow_inf_nan=False)
