"""Peak memory and speed of ``m5kit data import m5product`` on made-up metadata of the same form.

Run: python benchmarks/m5product.py 10000 100000 1000000

Each number of records is imported in a process of its own. Memory that grows with the id lists (13 bytes an id) is part
of the peak; lists name half of the records.
"""

import argparse
import json
import re
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from _arguments import at_least


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=at_least(6), nargs="+")
    counts = parser.parse_args().records
    print("| records | JSON MiB | seconds | records a second | MiB before | peak MiB |\n|--:|--:|--:|--:|--:|--:|")
    for records in counts:
        with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1) as process:
            size = write(Path(folder), records) / 2**20
            seconds, before, peak = process.apply(measure, (Path(folder),))
        speed = records / seconds
        print(f"| {records:,} | {size:,.0f} | {seconds:.1f} | {speed:,.0f} | {before:.0f} | {peak:.0f} |", flush=True)


def write(folder: Path, records: int) -> int:
    """Write metadata and two id lists; the size of the metadata."""
    with (folder / "metadata.json").open("w", encoding="utf-8") as file:
        for number in range(records):
            file.write(("{" if number == 0 else ",") + f'"{5 * 10**11 + number}":' + json.dumps(record(number)))
        file.write("}")
    for split, step in (("train", 3), ("gallery_coarse", 6)):
        lines = (f"{5 * 10**11 + number}\n" for number in range(step - 1, records, step))
        (folder / f"{split}.txt").write_text("".join(lines))
    return (folder / "metadata.json").stat().st_size


def record(number: int) -> dict[str, str]:
    """One made-up record."""
    properties = "#;#".join(f"key{n}#:#value {number % (97 + n)}" for n in range(8))
    return {
        "title": f"a made-up title of some forty letters, {number}",
        "label": f"label {number % 6522}",
        "url": f"//made.up/{number}.jpg",
        "video": f"//made.up/{number}.mp4" if number % 5 else "",
        "pv": properties if number % 100 else "0",
    }


def measure(folder: Path) -> tuple[float, float, float]:
    """Seconds, and MiB of memory before and at the peak."""
    from m5kit.data.importers.m5product import M5Product, import_m5product

    splits = {split: folder / f"{split}.txt" for split in ("train", "gallery_coarse")}
    data = M5Product(folder / "metadata.json", splits=splits)
    before, start = memory("VmRSS"), time.perf_counter()
    import_m5product(data, folder / "out")
    return time.perf_counter() - start, before, memory("VmHWM")


def memory(name: str) -> float:
    """MiB of this process."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024


if __name__ == "__main__":
    main()
