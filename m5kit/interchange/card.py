"""A model card made of what a run knows about itself: its data, its results with intervals, its limits, its parts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from m5kit.errors import CheckpointError
from m5kit.public.run import Run
from m5kit.report.results import result_rows
from m5kit.report.tables import markdown_cell, markdown_text
from m5kit.runs.belonging import not_of
from m5kit.runs.json import read_json

_REMEDY = "evaluate the run again, or remove the file"
MOST_VALUES = 4
"""Values of a metric that the card shows; results.json has all."""


def model_card(run: Run, use: Iterable[str] | None = None, modalities: Sequence[str] | None = None) -> str:
    """The card as Markdown, with the header that model hubs read.

    Args:
        run: loaded.
        use: the lines of the section on how to use the files; None for those of a run folder.
        modalities: those that the files read; None for all of the run.
    """
    lines = [
        *_header(run, run.modalities if modalities is None else modalities),
        *(_use(run) if use is None else use),
        *_data(run),
        *_results(run),
        *_parts(run),
        *_limits(run),
    ]
    return "\n".join(lines) + "\n"


def _header(run: Run, modalities: Sequence[str]) -> Iterator[str]:
    yield "---"
    yield "library_name: m5kit"
    yield "tags:"
    for tag in ("m5kit", "multimodal", "feature-extraction", *modalities):
        yield f"- {tag}"
    yield "---"
    yield ""
    yield f"# {markdown_text(run.trained.config.name)}"
    yield ""
    what = (
        f"classifies items by their {markdown_text(str(run.trained.model.predicts))}" if run.classes else "embeds items"
    )
    seen = ", ".join(modalities)
    yield f"This model {what}. It reads {seen}; any of them may be missing. An item's vector has {run.width} numbers."
    yield ""


def _use(run: Run) -> Iterator[str]:
    yield "## Use"
    yield ""
    yield "```python"
    yield "import m5kit"
    yield ""
    yield 'run = m5kit.load("FOLDER")  # this folder'
    for modality in run.modalities[:1]:
        yield f'vectors = run.embed([{{"{modality}": ...}}])'
    yield "```"
    yield ""


def _data(run: Run) -> Iterator[str]:
    folder = run.trained.folder
    provenance = folder.read(folder.provenance)
    data = _mapping(provenance, "data")
    config = run.trained.config
    yield "## Training"
    yield ""
    splits = markdown_text(", ".join(config.data.train))
    yield f"- Data: {markdown_text(str(data.get('items', 'an unknown number of')))} items, splits {splits}"
    if "sha256" in data:
        yield f"- Fingerprint of the manifest: `{markdown_text(str(data['sha256']))}`"
    schedule = config.schedule
    batch, unit = (schedule.batch_size, "items") if schedule.tokens is None else (schedule.tokens, "tokens")
    length = f"{schedule.max_steps} steps" if schedule.minutes is None else f"{schedule.minutes:g} minutes in steps"
    if schedule.epochs is not None:
        length = f"at most {schedule.epochs:g} passes over the items, {length}"
    yield f"- {length} of {batch * schedule.accumulate} {unit}"
    version = _mapping(provenance, "m5kit").get("version", "of an unknown version")
    yield f"- Seed {config.seed}, m5kit {markdown_text(str(version))}"
    yield ""


def _mapping(provenance: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A section of what a run says of its origin; empty where it says nothing, or something else."""
    found = provenance.get(key)
    return found if isinstance(found, Mapping) else {}


def _results(run: Run) -> Iterator[str]:
    yield "## Results"
    yield ""
    file = run.trained.folder.results
    stored = read_json(file, _REMEDY) if file.exists() else {}
    stranger = not_of(stored, file)
    if stranger is not None:  # a card is read by people who cannot look
        raise CheckpointError(f"{stranger}, or remove the file")
    results: Mapping[str, Any] = stored.get("results", {})
    if not results:
        yield "The run was not evaluated."
        yield ""
        return
    yield "| metric | value | 95 % interval | chance | items |"
    yield "|---|--:|---|--:|--:|"
    try:
        yield from _result_rows(results)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{file} is damaged ({error!r}); {_REMEDY}") from error
    yield ""
    yield "Intervals are over the items of one run: they do not say how much another seed would change."
    yield ""


def _result_rows(results: Mapping[str, Any]) -> Iterator[str]:
    for metric, values in results.items():
        for _, name, *cells in result_rows({metric: dict(list(values.items())[:MOST_VALUES])}):
            yield f"| {markdown_cell(f'{metric}/{name}')} | {' | '.join(cells)} |"


def _parts(run: Run) -> Iterator[str]:
    config = run.trained.config
    yield "## Parts and their licences"
    yield ""
    yield f"- Fusion `{config.fusion['type']}`, harmonizer `{config.harmonizer['type']}`"
    for modality, encoder in sorted(config.encoders.items()):
        weights = encoder.get("weights")
        begun = f", begun from the weights `{weights}`, whose licence holds for this model too" if weights else ""
        yield f"- {modality}: `{encoder['type']}`{begun}"
    folder = run.trained.folder
    for plugin in folder.read(folder.provenance).get("plugins", []):
        name = plugin.get("distribution", plugin) if isinstance(plugin, Mapping) else plugin
        yield f"- Plugin {markdown_text(str(name))}: it must be installed, and has a licence of its own"
    yield "- m5kit itself: Apache-2.0. Whoever shares this folder adds the licence of the data and of the weights."
    yield ""


def _limits(run: Run) -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield "- It was trained on the items above. Measure it on yours with `m5kit evaluate --data` before you rely on it."
    yield "- An item is described by what it has: items that share no modality are compared by the shared space alone."
    if run.classes:
        yield f"- It knows {len(run.classes)} classes, and answers with one of them whatever it is shown."
