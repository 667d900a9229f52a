"""Damaged files of every kind end in the error that a user sees: no other error, no crash, no hang, no growth.

A few inputs run with all tests; a long run is ``M5KIT_FUZZ=100000 python -m pytest tests/fuzz``.
"""

import json
import shutil
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch.optim import AdamW

from m5kit.ablation.outcomes import of_runs
from m5kit.ablation.sweep_file import read_sweep
from m5kit.config import check_config, load_config
from m5kit.data.failures import describe_failures
from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.run import import_source
from m5kit.data.json_values import parse_json
from m5kit.data.manifest import read_manifest
from m5kit.data.shards.verify import verify
from m5kit.data.tars.index import TarError, scan
from m5kit.data.validate import validate
from m5kit.errors import DataError, DecodeError, M5KitError
from m5kit.evaluation.base import Embedded
from m5kit.index.about import IndexInfo
from m5kit.index.columns import Column
from m5kit.registry import DECODERS
from m5kit.runs import checkpoint
from m5kit.runs.metrics import read_curves
from m5kit.runs.study import Study
from m5kit.runs.sweep_folder import TrialFolder, TrialStatus

DECODER_OF = {
    "simplejpeg": ("jpg", "png", "gif", "webp", "bmp", "tif", "ppm", "pcx", "ico"),
    "sound": ("wav", "flac", "ogg", "mp3", "aiff", "au"),
    "pyav": ("mp4", "mkv"),
    "features": ("npy", "npz", "safetensors", "h5"),
}


@pytest.mark.parametrize("kind", ["simplejpeg", "sound"])
def test_media(fuzz, media, tmp_path, kind):
    _fuzz_decoder(fuzz, media, tmp_path, kind)


def test_videos_and_features(fuzz, media, tmp_path):
    _fuzz_decoder(fuzz, media, tmp_path, "pyav", "features")


def _fuzz_decoder(fuzz, media, folder, *kinds):
    decoders = {}
    for kind in kinds:
        decoders |= dict.fromkeys(DECODER_OF[kind], DECODERS.build({"type": kind}))

    def read(name, content):
        (folder / name).write_bytes(content)
        decoders[name.partition(".")[2]](name, folder)

    fuzz([(name, content) for name, content in media if name.partition(".")[2] in decoders], read, DecodeError)


def test_manifests_and_their_values(fuzz, manifests, tmp_path):
    values = {"text": DECODERS.build({"type": "text"}), "table": DECODERS.build({"type": "table"})}

    def read(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        try:
            items = read_manifest(path)
            assert len(items.ids()) == len(items)
            samples = list(items)
        except DataError:
            samples = []
        with suppress(M5KitError):
            validate(path)
        for sample in samples:
            for modality in values.keys() & sample.sources.keys():
                _decode(values[modality], sample.sources[modality], tmp_path)

    fuzz(manifests, read)


def _decode(decoder, value, root):
    with suppress(M5KitError):
        decoder(value, root)


def test_importers(fuzz, sources, tmp_path):
    kinds = {"csv": "csv", "tsv": "csv", "parquet": "parquet", "tar": "webdataset"}

    def read(name, content):
        source, out = tmp_path / name, tmp_path / "out"
        source.write_bytes(content)
        shutil.rmtree(out, ignore_errors=True)
        suffix = name.partition(".")[2]
        columns = {
            "tar": ColumnMapping({"text": ("txt",), "table": ("json",)}),
            "parquet": ColumnMapping({"text": ("text",), "table": ("table",)}, labels={"kind": "split"}),
        }.get(suffix, ColumnMapping({"text": ("text",)}, table=("size",), numbers=("size",)))
        import_source(kinds[suffix], source, out, columns)

    fuzz(sources, read)


def test_shards(fuzz, shards, tmp_path):
    decoders = {"image": DECODERS.build({"type": "pillow"}), "text": DECODERS.build({"type": "text"})}

    def read(name, content):
        for file, before in shards:
            (tmp_path / file).write_bytes(before)
        (tmp_path / name).write_bytes(content)
        with suppress(M5KitError):
            verify(tmp_path)
        with suppress(TarError):
            scan(tmp_path / "000000.tar")
        for sample in read_manifest(tmp_path):
            for modality in decoders.keys() & sample.sources.keys():
                _decode(decoders[modality], sample.sources[modality], tmp_path)

    fuzz(shards, read)


def test_files_of_sweeps_and_indexes(fuzz, tmp_path):
    trial = TrialFolder(tmp_path)
    trial.set_status(TrialStatus("done", seconds=3.0, memory=2**30, parameters=7))
    row = {"variant": "a", "runs": ["../a"], "seeds": [0], "figures": {}}
    Study.from_json({"title": "t", "figures": ["coarse/mrr@10"], "rows": [row]}).write(tmp_path / "study.json")
    about = IndexInfo(4, run="runs/a", modalities={"words": "words"}, columns=(Column("size", "c0", "number"),))
    files = [(name, (tmp_path / name).read_bytes()) for name in ("status.json", "study.json")]

    def read(name, content):
        (tmp_path / name).write_bytes(content)
        if name == "status.json":
            _ = trial.status
        elif name == "study.json":
            Study.read(tmp_path / name)
        else:
            IndexInfo.from_json(content.decode("utf-8", "replace"))

    fuzz([*files, ("about.json", about.to_json().encode())], read)


def test_features_files(fuzz, tmp_path):
    embedded = Embedded(np.array(["a", "b"]), np.eye(2, 3, dtype=np.float32), {"kind": np.array(["x", "y"])})
    files = []
    for suffix in (".npz", ".parquet"):
        embedded.save(tmp_path / f"whole{suffix}")
        files.append((f"a{suffix}", (tmp_path / f"whole{suffix}").read_bytes()))

    def read(name, content):
        (tmp_path / name).write_bytes(content)
        Embedded.load(tmp_path / name)

    fuzz(files, read)


def test_checkpoints(fuzz, tmp_path):
    model = torch.nn.Linear(3, 3)
    optimizer = AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    whole = checkpoint.save(tmp_path / "whole", 1, model, optimizer, keep=1)
    files = [(path.name, path.read_bytes()) for path in sorted(whole.iterdir())]

    def read(name, content):
        last = tmp_path / "damaged/step_0000001"
        last.mkdir(parents=True, exist_ok=True)
        for file, before in files:
            (last / file).write_bytes(before)
        (last / name).write_bytes(content)
        # without checksums, as an earlier version wrote them, whatever gets through has to be loaded too
        for step in ("summed", "not summed"):
            if step == "not summed":
                (last / "checksums.json").unlink()
                state = _summed_not(last / "state.json")
                if state is not None:
                    (last / "state.json").write_text(state)
            with suppress(M5KitError):
                found = checkpoint.latest(last.parent)
                checkpoint.restore(found, model, optimizer)

    fuzz(files, read)


def _summed_not(path):
    try:
        state = parse_json(path.read_bytes())
    except ValueError:
        return None
    return json.dumps({**state, "checksums": False}) if isinstance(state, dict) else None


SWEEP = b"""base: demo/scale
vary: {fusion: [gated, concat], schedule.lr: [1.0e-3, 3.0e-4]}
seeds: [0, 1]
metrics: [retrieval/recall@1]
budget: {seconds: 60, threads: 1}
"""


def test_sweep_files_and_configs(fuzz, tmp_path):
    config = b"_base_: [demo/scale]\nseed: 3\nschedule: {max_steps: 4, lr: 1.0e-3}\ndata: {train: [train]}\n"

    def read(name, content):
        (tmp_path / name).write_bytes(content)
        read_sweep(tmp_path / name) if name == "sweep.yaml" else check_config(load_config(tmp_path / name))

    fuzz([("sweep.yaml", SWEEP), ("leaf.yaml", config)], read)


def test_run_folders(fuzz, tmp_path):
    score = {"value": 0.5, "chance": 0.1, "count": 9}
    whole = {
        "config.yaml": b"name: demo\nseed: 1\nschedule: {max_steps: 4}\n",
        "provenance.json": json.dumps({"seed": 1, "data": {"items": 3, "sha256": "0"}, "plugins": []}).encode(),
        "results.json": json.dumps({"results": {"retrieval": {"recall@1": score}}, "skipped": {}}).encode(),
        "metrics.jsonl": b'{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25, "lr": 0.1}\n',
        "gallery.json": b"{}",
        "failures.jsonl": b'{"id": "a", "modality": "m", "reason": "r"}\n',
    }

    def read(name, content):
        run = tmp_path / "run"
        run.mkdir(exist_ok=True)
        for file, before in whole.items():
            (run / file).write_bytes(before)
        (run / name).write_bytes(content)
        of_runs([run], tmp_path)
        read_curves(run / "metrics.jsonl")
        describe_failures(run / "failures.jsonl")

    fuzz(list(whole.items()), read)
