"""How open a task is: from 0, all classes known, towards 1."""

from __future__ import annotations

import math

from mlplab.openset.errors import refuse


def openness(known: int, unknown: int) -> float:
    """1 − √(2·training / (testing + target)) of Scheirer et al. (PAMI 2013).

    Training and target classes are the known ones, testing classes are known and unknown: six
    known and four unknown give 0.1340, five and five 0.1835. Negative classes count as neither.
    """
    if known < 1 or unknown < 0:
        refuse(
            "openness",
            "at least one known class and no fewer than 0 unknown ones",
            f"{known} and {unknown}",
        )
    return 1 - math.sqrt(2 * known / (known + unknown + known))
