"""What the transforms and the labels of a run learned from its corpus, read back from its folder."""

from collections.abc import Mapping, Sequence

from m5kit.data.pipeline import Pipeline
from m5kit.errors import CheckpointError
from m5kit.runs.folder import REMEDY, RunFolder


def load_states(pipelines: Mapping[str, Pipeline], folder: RunFolder) -> None:
    """Give transforms what they learned in a run; a modality that the run did not have keeps its own.

    Raises:
        CheckpointError: the file is missing or damaged, or a state is not one of its transform.
    """
    states = folder.read(folder.transforms)
    for modality, pipeline in pipelines.items():
        if modality not in states:
            continue
        try:
            pipeline.transform.load_state(states[modality])
        except CheckpointError:
            raise
        except Exception as error:  # transforms, those of plugins too, raise anything for a state that is not theirs
            raise CheckpointError(
                f"{folder.transforms}: the transform of {modality} cannot use its state "
                f"({type(error).__name__}: {error}); {REMEDY}"
            ) from error


def read_classes(folder: RunFolder) -> dict[str, Sequence[str]]:
    """The names of the classes by label, in the order of their numbers.

    Raises:
        CheckpointError: the file is missing or damaged, or holds something else.
    """
    found = folder.read(folder.classes)
    for label, names in found.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise CheckpointError(f"{folder.classes}: {label} is no list of names of classes; {REMEDY}")
    return found
