"""AUROC with its interval: as numbers of a figure, in tips, and in the words of captions."""

from __future__ import annotations

from collections.abc import Sequence

from mlplab.analysis.open_set.tasks import DetectorSeries
from mlplab.figures import vega
from mlplab.words import count

AUROC_TIPS = [
    vega.tip("auroc:Q", "AUROC", ".4f"),
    vega.tip("low:Q", "95% from", ".4f"),
    vega.tip("high:Q", "to", ".4f"),
]


def area_of(series: DetectorSeries) -> dict[str, object]:
    """A row of a figure's table: the detector, its mean AUROC and the limits of its interval."""
    value, low, high = series.auroc()
    return {"detector": series.detector, "auroc": value, "low": low, "high": high}


def interval_tells_of(seeds: Sequence[int], rows: bool) -> str:
    """What a 95% interval is for.

    Args:
        seeds: how many each mean has.
        rows: whether the intervals tell of other test rows too.

    Returns:
        "for other seeds and other test rows", for example; empty where there can be none.
    """
    several, one = max(seeds) > 1, min(seeds) < 2
    if several and one:
        others = "for other seeds where there are several"
        return f"for other test rows, and {others}" if rows else others
    if several:
        return "for other seeds and other test rows" if rows else "for other seeds on these rows"
    return "for other test rows" if rows else ""


def means_and_intervals(seeds: Sequence[int], rows: bool) -> str:
    """What is shown, and what its intervals are for; arguments as of `interval_tells_of`.

    Returns:
        "means over 3 seeds with 95% intervals for other seeds and other test rows", for example.
    """
    least, most = min(seeds), max(seeds)
    if most < 2:
        shown = "values of one seed"
    elif least == most:
        shown = f"means over {count(most, 'seed')}"
    else:
        shown = f"means over {least} to {count(most, 'seed')}"
    told = interval_tells_of(seeds, rows)
    return f"{shown} with 95% intervals {told}" if told else f"{shown}, without intervals"


def mean_measures(shown: Sequence[DetectorSeries]) -> str:
    """The same of the means of any measure of detectors."""
    rows = all(series.covers_rows() for series in shown)
    return means_and_intervals([len(series.findings) for series in shown], rows)


def mean_areas(shown: Sequence[DetectorSeries]) -> str:
    """The same of AUROC, which has an interval over test rows where there is one seed, too."""
    seeds = [len(series.findings) for series in shown]
    rows = all(n < 2 or s.covers_rows() for n, s in zip(seeds, shown, strict=True))
    return means_and_intervals(seeds, rows)
