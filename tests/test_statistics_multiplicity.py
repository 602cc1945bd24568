"""Corrections for many questions, by hand and by their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.statistics.critical_difference import holm


def test_holm_by_hand():
    # 0.01·4 = 0.04; 0.013·3 = 0.039 is raised to 0.04; 0.03·2 = 0.06; 0.04·1 is raised to 0.06.
    np.testing.assert_allclose(holm([0.03, 0.01, 0.04, 0.013]), [0.06, 0.04, 0.06, 0.04])


def test_demsar_2006_example():
    # Demšar (2006), section 3.2.2: with p = 0.016, 0.019, 0.607 Holm rejects the first two at 5%.
    assert (holm([0.016, 0.019, 0.607]) <= 0.05).tolist() == [True, True, False]


def rejected_step_by_step(p, alpha):
    """Holm's procedure as he wrote it: from the smallest on, against α/m, α/(m-1), …"""
    rejected = np.zeros(len(p), dtype=bool)
    for step, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] * (len(p) - step) > alpha:
            break
        rejected[i] = True
    return rejected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.sampled_from([0.01, 0.05, 0.2]))
@settings(deadline=None)
def test_holm_rejects_what_the_procedure_rejects(p, alpha):
    adjusted = holm(p)
    assert (adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all()
    assert (adjusted >= np.array(p) - 1e-15).all()
    np.testing.assert_array_equal(adjusted <= alpha, rejected_step_by_step(np.array(p), alpha))


def test_questions_without_a_p_value_do_not_count():
    np.testing.assert_allclose(holm([0.02, np.nan, 0.01]), [0.02, np.nan, 0.02])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.5, 1.5])
