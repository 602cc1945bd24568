"""Sizes, sums, sources and licences of the sets that mlplab knows by name.

They are constants so that a study can be checked without opening, or even having, the data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownSet:
    """One named set: its sizes, its class names and where it comes from."""

    name: str
    title: str
    train_rows: int
    test_rows: int
    features: int
    image_side: int
    """Pixels along one side of the square images."""
    class_names: tuple[str, ...]
    train_counts: tuple[int, ...]
    """Training rows of each class."""
    test_counts: tuple[int, ...]
    licence: str
    source: str


_DIGITS = tuple("0123456789")
_EQUAL_TRAIN = (6_000,) * 10
_EQUAL_TEST = (1_000,) * 10

KNOWN_SETS: dict[str, KnownSet] = {
    s.name: s
    for s in (
        KnownSet(
            "digits",
            "Optical digits 8×8 (scikit-learn)",
            1437,
            360,
            64,
            8,
            _DIGITS,
            (142, 145, 142, 146, 145, 146, 145, 143, 139, 144),
            (36, 37, 35, 37, 36, 36, 36, 36, 35, 36),
            "CC BY 4.0",
            "UCI Machine Learning Repository, bundled with scikit-learn",
        ),
        KnownSet(
            "mnist",
            "MNIST handwritten digits",
            60_000,
            10_000,
            784,
            28,
            _DIGITS,
            (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
            "CC BY-SA 3.0",
            "LeCun, Cortes and Burges",
        ),
        KnownSet(
            "fashion-mnist",
            "Fashion-MNIST",
            60_000,
            10_000,
            784,
            28,
            (
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            _EQUAL_TRAIN,
            _EQUAL_TEST,
            "MIT",
            "Zalando Research",
        ),
        KnownSet(
            "kmnist",
            "Kuzushiji-MNIST",
            60_000,
            10_000,
            784,
            28,
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            _EQUAL_TRAIN,
            _EQUAL_TEST,
            "CC BY-SA 4.0",
            "Center for Open Data in the Humanities",
        ),
    )
}
