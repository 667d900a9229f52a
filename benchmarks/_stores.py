"""The vector stores that benchmarks/vector_stores.py compares, each behind the same three calls."""

import sys
from pathlib import Path
from typing import Any

import numpy as np


class Lance:
    """LanceDB: vectors and columns in one table on the disk, an IVF index over it."""

    kind, settings, probes, refine = "IVF_PQ", {}, 20, 10

    def __init__(self, folder: Path, width: int) -> None:
        import lancedb

        self.base = lancedb.connect(folder)
        self.width = width
        self.table = self.base.open_table("items") if "items" in self.base.list_tables().tables else None

    def add(self, start: int, vectors: np.ndarray, prices: np.ndarray) -> None:
        import pyarrow as pa

        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), self.width)
        rows = pa.table({"id": np.arange(start, start + len(vectors)), "vector": column, "price": prices})
        if self.table is None:
            self.table = self.base.create_table("items", rows)
        else:
            self.table.add(rows)

    def finish(self) -> None:
        if self.kind:
            self.table.create_index(metric="dot", index_type=self.kind, **self.settings)
        self.table.optimize()

    def search(self, query: np.ndarray, top: int, price: float) -> list[int]:
        asked = self.table.search(query).distance_type("dot").limit(top).select(["id"])
        if self.kind:
            asked = asked.nprobes(self.probes).refine_factor(self.refine)
        if price < 100:
            asked = asked.where(f"price < {price}", prefilter=True)
        return asked.to_arrow()["id"].to_pylist()


class LanceFlat(Lance):
    """LanceDB without an index: every search reads all vectors."""

    kind = ""


class LanceHnsw(Lance):
    """LanceDB with graphs over bytes inside of its partitions."""

    kind, refine = "IVF_HNSW_SQ", 2


class LanceRabit(Lance):
    """LanceDB with one bit a number (RaBitQ), scored again with the whole vectors."""

    kind, refine = "IVF_RQ", 10


class M5kit:
    """An index of m5kit, as ``Index.of_vectors`` builds it of a file of vectors and ``Index.search`` searches it."""

    def __init__(self, folder: Path, width: int) -> None:
        from m5kit import Index

        self.place, self.file, self.width = folder / "items.index", folder / "raw", width
        self.prices: list[float] = []
        self.index = Index.open(self.place) if self.place.exists() else None

    def add(self, start: int, vectors: np.ndarray, prices: np.ndarray) -> None:
        with self.file.open("ab") as file:
            file.write(vectors.astype(np.float32).tobytes())
        self.prices += prices.tolist()

    def finish(self) -> None:
        from m5kit import Index

        vectors = np.memmap(self.file, np.float32, "r").reshape(-1, self.width)
        ids = [str(number) for number in range(len(vectors))]
        Index.of_vectors(
            self.place, ids, vectors, {"price": self.prices}, say=lambda line: print(line, file=sys.stderr)
        )
        self.file.unlink()

    def search(self, query: np.ndarray, top: int, price: float) -> list[int]:
        where = f"price < {price}" if price < 100 else ""
        return [int(hit.row.id) for hit in self.index.search(query, where=where, top=top)]


class Milvus:
    """Milvus Lite: the embedded form of Milvus, in one file."""

    def __init__(self, folder: Path, width: int) -> None:
        from pymilvus import DataType, MilvusClient

        self.client = MilvusClient(str(folder / "items.db"))
        if self.client.has_collection("items"):
            self.client.load_collection("items")
            return
        schema = self.client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
        schema.add_field("price", DataType.DOUBLE)
        self.client.create_collection("items", schema=schema)

    def add(self, start: int, vectors: np.ndarray, prices: np.ndarray) -> None:
        # a message of gRPC has at most 64 MB
        for first in range(0, len(vectors), 5000):
            part = slice(first, first + 5000)
            rows = []
            for number, (vector, price) in enumerate(zip(vectors[part], prices[part], strict=True), start + first):
                row = {"id": number, "vector": vector.tolist(), "price": float(price)}
                rows.append(row)
            self.client.insert("items", rows)

    def finish(self) -> None:
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 200})
        self.client.create_index("items", index)
        self.client.load_collection("items")
        self.client.close()

    def search(self, query: np.ndarray, top: int, price: float) -> list[int]:
        where = f"price < {price}" if price < 100 else ""
        found = self.client.search("items", [query.tolist()], filter=where, limit=top, search_params={"ef": 64})
        return [hit["id"] for hit in found[0]]


class Faiss:
    """FAISS's flat index: exact, all vectors in memory; the filter is a set of positions."""

    def __init__(self, folder: Path, width: int) -> None:
        import faiss

        self.faiss, self.file, self.side = faiss, folder / "items.faiss", folder / "prices.npy"
        there = self.file.exists()
        self.index = faiss.read_index(str(self.file)) if there else faiss.IndexFlatIP(width)
        self.prices: Any = [np.load(self.side)] if there else []

    def add(self, start: int, vectors: np.ndarray, prices: np.ndarray) -> None:
        self.index.add(vectors)
        self.prices.append(prices)

    def finish(self) -> None:
        self.faiss.write_index(self.index, str(self.file))
        np.save(self.side, np.concatenate(self.prices))

    def search(self, query: np.ndarray, top: int, price: float) -> list[int]:
        settings = None
        if price < 100:
            allowed = np.packbits(self.prices[0] < price, bitorder="little")
            settings = self.faiss.SearchParameters(sel=self.faiss.IDSelectorBitmap(allowed))
        return self.index.search(query[None], top, params=settings)[1][0].tolist()


class Usearch:
    """usearch: one HNSW graph in memory; it filters nothing, so more is fetched and what does not fit is dropped."""

    def __init__(self, folder: Path, width: int) -> None:
        from usearch.index import Index

        self.file, self.side = folder / "items.usearch", folder / "prices.npy"
        self.index = Index(ndim=width, metric="ip", dtype="f32", expansion_search=128)
        self.prices: Any = []
        if self.file.exists():
            self.index.load(str(self.file))
            self.prices = [np.load(self.side)]

    def add(self, start: int, vectors: np.ndarray, prices: np.ndarray) -> None:
        self.index.add(np.arange(start, start + len(vectors)), vectors)
        self.prices.append(prices)

    def finish(self) -> None:
        self.index.save(str(self.file))
        np.save(self.side, np.concatenate(self.prices))

    def search(self, query: np.ndarray, top: int, price: float) -> list[int]:
        fetched = int(min(len(self.index), top * 100 / price * (1 if price >= 100 else 3)))
        keys = self.index.search(query, fetched).keys
        return keys[self.prices[0][keys] < price][:top].tolist()


STORES = {
    "m5kit": M5kit,
    "lancedb": Lance,
    "lancedb-flat": LanceFlat,
    "lancedb-hnsw": LanceHnsw,
    "lancedb-rabit": LanceRabit,
    "milvus": Milvus,
    "faiss": Faiss,
    "usearch": Usearch,
}
