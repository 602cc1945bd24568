"""The health of scores in the report: every detector of full-length training, at its worst."""

from __future__ import annotations

import pytest

from made_tests import HEALTH, OPEN, chapter_of, finding, made, task, texts
from mlplab.declarations.resolving.open_set_networks import NamedSplit
from mlplab.report.document import Bullets, Details
from mlplab.report.open_set_health import health_lines

NEGATIVE = NamedSplit(known=OPEN.known, negative=("5",), unknown=OPEN.unknown)
TIED = "ties 12%; saturated 3.1%; dead units 2 of 24; alone as in a batch"
SINGULAR = (
    "ties 0%; saturated 0%; dead units 0 of 24; covariance singular (rank 3 of 24); "
    "alone as in a batch"
)
DEPENDS = "ties 0%; saturated 0%; DEPENDS ON THE BATCH (relative difference 1.0e-03)"
CONSTANT = "all scores are equal: nothing can be told apart; alone as in a batch"


def small_print(tests) -> list[str]:
    blocks = chapter_of(tests).blocks
    (folded,) = [b for b in blocks if isinstance(b, Details) and b.summary.startswith("Which rows")]
    bullets = [b.items for b in folded.blocks if isinstance(b, Bullets)][1:]
    assert not any("steps" in text for text in texts([folded]))
    return [line for items in bullets for line in items]


def test_every_detector_of_full_length_training_is_there_and_no_shorter_one():
    tests = [
        made(finding("softmax", health="ties 99%; of few steps"), steps=10),
        *(made(finding("softmax"), finding("energy"), seed=seed) for seed in (0, 1)),
        made(finding("class anchor"), method="class anchor"),
        made(finding("softmax"), split=NEGATIVE),
        made(finding("sigmoid output", health=TIED), split=NEGATIVE, method="sigmoid output"),
        made(finding("background class"), split=NEGATIVE, method="background class"),
    ]
    lines = small_print(tests)
    labels = {d.detector for t in tests if t.variant.steps is None for d in t.finding.detectors}
    for label in labels:
        assert any(label in line.split(":")[0] for line in lines), label
    assert not any("ties 99%" in line for line in lines)
    # those of which the same is to be said share a line
    assert lines[0] == f"softmax, energy and class anchor: {HEALTH}"
    assert len(lines) == 3


WORSE = [
    (HEALTH, TIED),
    (TIED, TIED.replace("12%", "13%")),
    (HEALTH, HEALTH.replace("units 0", "units 3")),
    (TIED, SINGULAR),
    (SINGULAR, CONSTANT),
    (SINGULAR, DEPENDS),
]


@pytest.mark.parametrize("pair", WORSE)
@pytest.mark.parametrize("first", [0, 1])
def test_the_worst_seed_is_shown(pair, first):
    order = pair if first == 0 else pair[::-1]
    found = task(*(made(finding("softmax", health=h), seed=s) for s, h in enumerate(order)))
    (line,) = health_lines([found])
    assert line == f"softmax: {pair[1]} (the worst of 2 networks: seed {1 - first})"


def test_many_splits_share_one_line_a_detector():
    digits = [str(n) for n in range(10)]
    tests = [
        made(
            finding("softmax", health=TIED if one == "7" else HEALTH),
            split=NamedSplit(tuple(d for d in digits if d != one), unknown=(one,)),
        )
        for one in digits
    ]
    (line,) = small_print(tests)
    assert line.startswith(f"softmax: {TIED} (the worst of 10 networks: ")
    assert "7 unknown, seed 0" in line
