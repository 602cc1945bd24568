"""Small files of data for tests: the unbroken twin of everything that the tests break."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

CLASSES = 3
ROWS = 30
SIDE = 4


def idx_bytes(array: np.ndarray) -> bytes:
    """An array of unsigned bytes in the IDX format."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def images(rows: int = ROWS, seed: int = 0) -> np.ndarray:
    """(row, height, width) bytes that reach from 0 to 255."""
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, SIDE, SIDE), dtype=np.uint8)
    pixels[0, 0, :2] = 0, 255
    return pixels


def labels(rows: int = ROWS) -> np.ndarray:
    return np.arange(rows, dtype=np.uint8) % CLASSES


def write_idx(folder: Path) -> dict[str, str]:
    """Four files; gives the settings that name them."""
    for part, rows in (("train", ROWS), ("test", 9)):
        (folder / f"{part}-images.gz").write_bytes(gzip.compress(idx_bytes(images(rows, rows))))
        (folder / f"{part}-labels").write_bytes(idx_bytes(labels(rows)))
    return {
        "format": "idx",
        "train_images": "train-images.gz",
        "train_labels": "train-labels",
        "test_images": "test-images.gz",
        "test_labels": "test-labels",
    }


def npz_arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    return {"x": generator.normal(size=(ROWS, 5)), "y": labels().astype(np.int64)}


def write_npz(folder: Path, arrays: dict[str, np.ndarray] | None = None) -> dict[str, str]:
    np.savez(folder / "set.npz", **(npz_arrays() if arrays is None else arrays))
    return {"format": "npz", "path": "set.npz"}


def csv_text(rows: int = ROWS) -> str:
    """Lines `length,width,species`; row r stands in line r + 2."""
    kinds = ("setosa", "versicolor", "virginica")
    lines = [f"{1 + r * 0.5},{r * r},{kinds[r % CLASSES]}" for r in range(rows)]
    return "\n".join(["length,width,species", *lines]) + "\n"


def write_csv(folder: Path, text: str | None = None) -> dict[str, str]:
    (folder / "table.csv").write_text(csv_text() if text is None else text, encoding="utf-8")
    return {"format": "csv", "path": "table.csv", "label": "species"}


def write_csv_pair(folder: Path, test_text: str | None = None) -> dict[str, str]:
    (folder / "test.csv").write_text(csv_text(9) if test_text is None else test_text)
    return write_csv(folder) | {"test_path": "test.csv"}
