"""What a question of many splits comes to: over all of them, and where the usual ones lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from mlplab.analysis.open_set.all_splits import DetectorOverSplits, detectors_over_splits
from mlplab.analysis.open_set.tasks import Task
from mlplab.declarations.open_set import USUAL_SIX_FOUR
from mlplab.figures.of_study import unused
from mlplab.figures.open_set.areas import interval_tells_of
from mlplab.figures.open_set.splits import distribution_figure, pairs_figure
from mlplab.report.document import Block, Heading, Paragraph, Pictures, Table, columns, plain
from mlplab.words import signed, with_half

_SIX = frozenset(frozenset(map(str, known)) for known in USUAL_SIX_FOUR)
_DIGITS = frozenset("0123456789")


def many_splits(group: Sequence[Task], tasks: Sequence[Task], names: set[str]) -> Iterator[Block]:
    """A question of many splits.

    Args:
        group: its tasks.
        tasks: all of the study, among which the usual splits are looked for.
        names: of figures, that are taken.
    """
    apart = group[0].split.apart
    usual = usual_splits(group, tasks)
    figure = distribution_figure(group, usual, unused("open-set-all-splits", names))
    yield Heading(f"All {len(group)} splits" + (f" · {plain(apart)}" if apart else ""))
    yield Paragraph(plain(figure.caption), lead=True)
    yield Pictures((figure,))
    yield _by_detector(group, usual)
    best = [line.detector for line in detectors_over_splits(group, usual)[:1]]
    for detector in dict.fromkeys((*best, "softmax")):
        pairs = pairs_figure(group, detector, unused("open-set-pairs", names))
        if pairs is not None:
            yield Pictures((pairs,))


def usual_splits(group: Sequence[Task], tasks: Sequence[Task]) -> list[Task]:
    """Those of the five usual 6/4 splits that are finished, with the network of a group.

    Where they are asked about in several ways, those of one: the group's, or else the first.
    """
    usual = [t for t in tasks if t.template == group[0].template and _is_usual(t)]
    ways = [task.split.apart for task in usual]
    own = group[0].split.apart
    way = own if own in ways else next(iter(ways), "")
    return [task for task in usual if task.split.apart == way]


def _is_usual(task: Task) -> bool:
    """Whether six digits are known as publications have it, and the other four are unknown."""
    split = task.split
    known, unknown = frozenset(split.known), frozenset(split.unknown)
    others = split.negative or split.closed or split.unknown_set
    return not others and known in _SIX and unknown == _DIGITS - known


def _by_detector(group: Sequence[Task], usual: Sequence[Task]) -> Table:
    """Detectors over all splits, in pairs with the softmax, and where the usual splits would lie."""
    rows, lines = [], detectors_over_splits(group, usual)
    for line in lines:
        low, high = line.middle_90
        better = "–" if line.less_softmax is None else f"{line.above_softmax:.0%} of splits"
        gap = "–" if line.less_softmax is None else signed(line.less_softmax)
        cells = [with_half(line.mean), f"{low:.3f}-{high:.3f}", gap, better]
        if usual:
            cells += ["–", "–"] if line.usual is None else [
                with_half(line.usual), f"{line.below_usual:.0%}"
            ]  # fmt: skip
        rows.append((plain(line.detector), *cells))
    beside = ("the usual 6/4 splits", "splits below their mean") if usual else ()
    return Table(
        f"Detectors over {len(group)} splits, best first: mean AUROC{_with_intervals(lines)}; the "
        "middle 90% of the splits; and the difference from the softmax on the same splits, networks "
        f"and rows.{_about_usual(group, usual)}",
        columns("detector", "mean", "middle 90%", "less the softmax's", "above it in", *beside),
        tuple(rows),
        sortable=True,
    )


def _with_intervals(lines: Sequence[DetectorOverSplits]) -> str:
    """What the intervals of means over splits speak of: all splits are no sample of any."""
    seeds = [int(line.mean.n) for line in lines]
    rows = bool(lines) and all(math.isfinite(float(line.mean.low)) for line in lines)
    told = interval_tells_of(seeds, rows) if lines else ""
    return f" with its 95% interval {told}, of other classes it says nothing" if told else ""


def _about_usual(group: Sequence[Task], usual: Sequence[Task]) -> str:
    if not usual:
        return ""
    finished, all_of_them = len(usual), len(USUAL_SIX_FOUR)
    words = " The five usual 6/4 splits"
    if finished < all_of_them:
        words = f" The usual 6/4 splits ({finished} of {all_of_them} finished)"
    if any(task is usual[0] for task in group):
        words += " are among these"
    else:
        words += " know six of ten classes, so their task is another one"
    return words + ("; their interval is over them alone." if finished > 1 else ".")
