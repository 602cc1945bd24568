"""Why centres do as they do: the evidence against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.analysis.open_set.centre_evidence import centre_evidence
from mlplab.openset.activations import Activations


def rows(*hidden: tuple[float, float]) -> Activations:
    """All taken for class 0."""
    return Activations(logits=np.tile([1.0, 0.0], (len(hidden), 1)), hidden=np.array(hidden))


def test_reaching_beyond_is_told_from_falling_short():
    fitted = Activations(
        logits=np.eye(2)[[0, 0, 1]], hidden=np.array([[9.0, 0.0], [11.0, 0.0], [0.0, 5.0]])
    )
    # the centre of class 0 is (10, 0): known rows reach beyond by 6 and 2, or fall short by 1
    known = rows((16.0, 0.0), (12.0, 0.0), (9.0, 0.0))
    unknown = rows((7.0, 0.0), (5.0, 0.0))
    found = centre_evidence(fitted, np.array([0, 0, 1]), known, unknown)
    assert (found.known_length, found.unknown_length) == pytest.approx((37 / 3, 6))
    assert (found.known_beyond, found.unknown_beyond) == (2 / 3, 0)
    # half of the unknown ones are farther than 4; of the known ones only the first is
    assert (found.far_known, found.far_known_beyond) == (1 / 3, 1)
    # shortfalls −6, −2, 1 against 3, 5: told apart; distances 6, 2, 1 against 3, 5: two pairs lost
    assert (found.shortfall_auroc, found.along_auroc) == pytest.approx((1, 4 / 6))
    assert found.spread_in_few == pytest.approx(1)
    assert sum(found.along.known) == pytest.approx(1, abs=1e-5)
    assert (found.along.edges[0], found.along.edges[-1]) == pytest.approx((-0.5, 0.6), abs=0.01)


def test_no_far_known_row_has_no_share():
    fitted = Activations(logits=np.eye(2), hidden=np.array([[10.0, 0.0], [0.0, 5.0]]))
    found = centre_evidence(fitted, np.array([0, 1]), rows((10.0, 0.0)), rows((1.0, 0.0)))
    assert (found.far_known, found.far_known_beyond) == (0, None)
    assert found.spread_in_few == 0
