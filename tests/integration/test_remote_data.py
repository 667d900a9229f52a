"""Data behind a URL is the data on the disk: an object store and a web server of this machine, tools as processes."""

import functools
import http.server
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUCKET = "bucket"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An object store with one bucket; tools find it by their environment."""
    boto3, server = pytest.importorskip("boto3"), pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    given = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "anna",
        "AWS_SECRET_ACCESS_KEY": "a secret of hers",
        "AWS_DEFAULT_REGION": "us-east-1",
        "M5KIT_REMOTE": str(tmp_path_factory.mktemp("copies")),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
    running.stop()


def upload(client, folder, name):
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), BUCKET, f"{name}/{path.relative_to(folder).as_posix()}")
    return f"s3://{BUCKET}/{name}"


@pytest.fixture(scope="module")
def shards(tool, demo, tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "demo.shards"
    tool("-m", "m5kit", "data", "prepare", demo, "--out", out, "--items", "16", "--jobs", "1")
    return out


@pytest.fixture(scope="module")
def url(store, shards):
    """The shards in the object store."""
    return upload(store, shards, "demo.shards")


def losses(run):
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if "loss" in key or key == "step"} for line in lines]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def web(shards):
    """The shards behind a web server."""
    pytest.importorskip("aiohttp")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=shards)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_losses_are_those_of_the_loose_files(tool, short, store, demo, trained, url, web, tmp_path):
    for name, data in (("shards", url), ("loose", upload(store, demo, "demo")), ("web", web)):
        run = tmp_path / name
        tool("tools/train.py", "configs/demo/scale.yaml", "--data", data, "--run-dir", run, *short())
        assert losses(run) == losses(trained[0])
        first, second = (json.loads((folder / "results.json").read_text())["results"] for folder in (trained[0], run))
        assert first == second


@pytest.mark.slow
def test_a_web_server_gives_the_same_vectors(tool, trained, shards, web, tmp_path):
    for name, data in (("web", web), ("disk", shards)):
        tool("-m", "m5kit", "embed", trained[0], "--data", data, "--split", "test", "--out", tmp_path / f"{name}.npz")
    assert (tmp_path / "web.npz").read_bytes() == (tmp_path / "disk.npz").read_bytes()


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_with_the_same_items(tool, short, shards, url, tmp_path):
    """Shards mixed two at a time; the run dies, and goes on from the object store with other workers."""
    windowed = ["--set", "data.window=2", "--set", "evaluation=none"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    tool("tools/train.py", "demo/scale", "--data", shards, "--run-dir", whole, *short(), *windowed)
    command = ["tools/train.py", "demo/scale", "--run-dir", killed, *short(), *windowed]
    process = subprocess.Popen([sys.executable, *map(str, command), "--data", url], cwd=ROOT)
    deadline = time.monotonic() + 200
    while not list(killed.glob("checkpoints/*3*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    tool(*command, "--data", url, "--resume", "--set", "data.workers=1")
    assert losses(killed)[-3:] == losses(whole)[-3:]
    assert losses(whole)[-1]["step"] == 6


def test_shards_are_written_to_the_store(tool, demo, shards, store, tmp_path):
    out = f"s3://{BUCKET}/written.shards"
    tool("-m", "m5kit", "data", "prepare", demo, "--out", out, "--items", "16", "--jobs", "2")
    listed = store.list_objects_v2(Bucket=BUCKET, Prefix="written.shards/")["Contents"]
    for each in listed:
        path = tmp_path / each["Key"].rpartition("/")[2]
        store.download_file(BUCKET, each["Key"], str(path))
    assert contents(tmp_path) == contents(shards)
    said = tool("-m", "m5kit", "data", "verify", out).stdout
    assert f"{out}: 120 items in 8 shards, no problems" in said


def test_a_damaged_object_is_named_and_its_neighbours_are_read(tool, shards, store):
    damaged = upload(store, shards, "damaged.shards")
    content = bytearray((shards / "000003.tar").read_bytes())
    content[700] ^= 255
    store.put_object(Bucket=BUCKET, Key="damaged.shards/000003.tar", Body=bytes(content))
    done = tool("-m", "m5kit", "data", "verify", damaged, check=False)
    assert done.returncode == 1
    assert "in 000003.tar is damaged: its checksum is another" in done.stdout
    done = tool("-m", "m5kit", "data", "validate", damaged, "--decode", check=False)
    assert "120 items, 1 problem" in done.stdout


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://nobody/shop", "cannot read s3://nobody/shop: The specified bucket does not exist"),
        (f"s3://{BUCKET}/nothing", "there is nothing of this name"),
        ("http://127.0.0.1:9/shop", "it cannot be reached after 4 tries"),
        ("foo://shop", "no kind of URL that fsspec knows"),
        ("https://anna:secret@example.org/shop", "name or password"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tool, store, url, said):
    done = tool("-m", "m5kit", "data", "stats", url, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.slow
def test_a_store_that_goes_away_ends_a_run_with_a_message(tool, short, url, tmp_path, monkeypatch):
    monkeypatch.setenv("M5KIT_REMOTE", str(tmp_path / "copies"))
    tool("-m", "m5kit", "data", "stats", url)  # the manifest is here, and no shard
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = tool("tools/train.py", "demo/scale", "--data", url, "--run-dir", tmp_path / "run", *short(), check=False)
    assert done.returncode == 2
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_worked_example_of_the_page_on_scaling_runs(tool, store, tmp_path):
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    example = page.partition("**In small, here.**")[2]
    commands = re.findall(r"^\$ m5kit (.*)$", example, flags=re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        tool("-m", "m5kit", *shlex.split(command), cwd=tmp_path)
    assert (tmp_path / "vectors.parquet").exists()


@pytest.mark.slow
def test_the_commands_of_the_page_run(tool, demo, store, tmp_path):
    page = (ROOT / "docs" / "howto" / "remote-data.md").read_text(encoding="utf-8")
    (tmp_path / "shop").symlink_to(demo)
    commands = re.findall(r"^\$ m5kit (.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        tool("-m", "m5kit", *shlex.split(command), cwd=tmp_path)
    assert (tmp_path / "vectors.parquet").exists()
    written = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    assert not any(secret in path.read_bytes() for path in written)
