"""Verdicts where there is nothing to find: the short form of benchmarks/statistics_simulation.py.

Every promise is held for all kinds, shapes and numbers of seeds: the share of false verdicts is at
or under the level, up to three standard errors of the simulation. The level 0.3 is there because at
0.05 few seeds are undecidable, and silence is no proof of a right level.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from mlplab.statistics.sign_flip import sign_flip_interval

_FILE = Path(__file__).parent.parent / "benchmarks" / "statistics_simulation.py"


@pytest.fixture(scope="module")
def simulation():
    spec = importlib.util.spec_from_file_location("statistics_simulation", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("alpha", "seeds", "repeats"),
    [(0.05, 3, 80), (0.05, 5, 80), (0.05, 10, 60), (0.05, 20, 40), (0.3, 3, 100), (0.3, 5, 100)],
)
@pytest.mark.slow
def test_false_verdicts_stay_at_their_level(simulation, alpha, seeds, repeats):
    outcomes = list(simulation.simulate(alpha, repeats, (seeds,)))
    promised = [row for row in outcomes if row.promised]
    assert {row.shape for row in promised} == {
        *simulation.SHAPES,
        *(simulation.ROWS if seeds <= 10 else ()),
    }
    assert [row for row in promised if row.false_share > row.allowed] == []


def test_at_a_level_that_few_seeds_reach_some_verdicts_are_false(simulation):
    """Or else the simulation above would prove nothing."""
    found = {
        row.kind: row.false_share
        for row in simulation.simulate(0.3, 100, (5,))
        if row.shape == "normal"
    }
    for kind in ("greater", "greater by δ, truth δ", "increasing", "rank", "target (censored)"):
        assert found[kind] > 0.1, kind


def test_levels_hold_where_those_of_seeds_alone_fail(simulation):
    """Eight seeds on the same 60 rows: seeds alone take the rows for all that there are."""
    found = {(row.kind, row.shape): row for row in simulation.simulate_rows(0.05, 300, 8)}
    for kind in ("accuracy", "difference"):
        for rows in simulation.ROWS:
            assert found[kind, rows].false_share <= found[kind, rows].allowed, (kind, rows)
            assert found[f"{kind}, seeds alone", rows].false_share > 0.25, (kind, rows)


@pytest.mark.parametrize("n", [6, 10])
@pytest.mark.parametrize("shape", ["normal", "heavy", "skewed", "tied", "seeds differ"])
def test_sign_flip_intervals_cover_symmetric_shifts(simulation, shape, n):
    draws = simulation.SHAPES[shape](np.random.default_rng([n, 1]), (1000, n, 2))
    differences = (draws[:, :, 0] - draws[:, :, 1]).T + 0.25
    interval = sign_flip_interval(differences, level=0.9)
    covered = ((interval.low <= 0.25 + 1e-9) & (interval.high >= 0.25 - 1e-9)).mean()
    assert covered >= 0.9 - 3 * np.sqrt(0.09 / 1000)
