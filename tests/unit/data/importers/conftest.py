import json

import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.run import import_source


@pytest.fixture
def imported(tmp_path):
    """Imports a source into a folder of its own: the report, and the items of the manifest."""

    def run(kind, source, *, out="out", columns=None, **options):
        mapping = columns or ColumnMapping({"text": ("title",)})
        report = import_source(kind, source, tmp_path / out, mapping, **options)
        lines = (tmp_path / out / "annotations.jsonl").read_text(encoding="utf-8").split("\n")
        return report, [json.loads(line) for line in lines if line]

    return run


@pytest.fixture
def saved_rows(tmp_path):
    """Writes rows as ``save_to_disk`` does, without the library; the folder."""
    import pyarrow as pa

    def save(place, table, features=None, **state):
        folder = tmp_path / place
        folder.mkdir(parents=True, exist_ok=True)
        with pa.ipc.new_stream(str(folder / "0.arrow"), table.schema) as stream:
            stream.write_table(table)
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "0.arrow"}], **state}))
        (folder / "dataset_info.json").write_text(json.dumps({"features": features or {}}))
        return folder

    return save
