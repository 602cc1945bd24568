"""What came out of the tests on unknown classes, in sentences made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from mlplab.analysis.open_set.findings import CentreEvidence
from mlplab.analysis.open_set.tasks import DetectorSeries, Task
from mlplab.openset.threshold import NO_PROMISE
from mlplab.report.document import plain
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.words import (
    count,
    listed,
    listed_classes,
    percent,
    percent_range,
    signed,
    with_interval,
)

CHOSEN = "chosen on these very rows"
"""Said of the best of several, whose interval heeds no such choice."""
PROMISE = "What the threshold promises"


def answer(task: Task) -> list[str]:
    """How often it is right, what becomes of unknown inputs, and which detector is best."""
    if task.split.closed:
        return [_closed(task)]
    return [_right_and_absorbed(task), _rejection(task), _best(task)]


def _right_and_absorbed(task: Task) -> str:
    accuracy = task.plain.mean("accuracy_on_known_before")
    pairs = [
        f"{plain(u)} is taken for {plain(k)} in {share:.0%} of cases"
        for u, k, share in task.before().largest(3)
    ]
    how = f", over {count(int(accuracy.n), 'seed')}"
    return (
        f"**On the classes it knows** ({plain(listed_classes(task.split.known))}), "
        f"{plain(task.template)} is right with a rate of **{with_interval(accuracy)}**{how}. "
        f"**Shown what it never saw**, it takes every input for one of them: {listed(pairs)}."
    )


def _rejection(task: Task) -> str:
    best, plainly = task.best, task.plain
    caught, lost = best.mean("recall_of_unknown"), best.mean("known_rejected")
    after = best.mean("accuracy_on_known_after")
    chosen = f", {CHOSEN}" if len(task.detectors) > 1 else ""
    words = (
        f"**With rejection** by {plain(best.detector)}{chosen}, the threshold "
        f"{_promised(task)}. **{_percent(caught)}** of unknown inputs are rejected and "
        f"{_percent(lost)} of known ones; {_percent(after)} of known ones are still accepted and "
        "right."
    )
    if plainly.detector != best.detector:
        words += (
            f" Asking {plain(plainly.detector)} instead rejects "
            f"{_percent(plainly.mean('recall_of_unknown'))} of unknown ones."
        )
    return words


def _promised(task: Task) -> str:
    """What the best detector's threshold promises, and that all seeds have one calibration set."""
    findings = task.best.findings.values()
    told = {finding.guarantee for finding in findings}
    seeds = count(len(findings), "seed")
    if len(told) == 1 and all(len(finding.threshold) == 1 for finding in findings):
        shared = f". All {seeds} share this calibration set" if len(findings) > 1 else ""
        return plain(told.pop()) + shared
    words = (
        f"promises to reject at most {percent(task.reject_at_most)} of known inputs on average over "
        f"calibration sets; {NO_PROMISE}"
    )
    if len(findings) > 1:
        words += f". All {seeds} share one calibration set"
    return f"{words}; what is to be expected of it stands under “{PROMISE}”"


def _best(task: Task) -> str:
    best = task.best
    if len(task.detectors) == 1:
        return (
            f"**The only detector** is {plain(best.detector)}, with an AUROC of **{area(best)}**."
        )
    words = (
        f"**The best detector**, {CHOSEN}, is {plain(best.detector)}, with an AUROC of "
        f"**{area(best)}**; {_others(task)}"
    )
    softmax = task.of("softmax")
    if softmax is not None and softmax is not best:
        gap = task.difference(best, softmax)
        words += f". The plain softmax has {area(softmax)}, {_difference(gap)} less{_unsure(gap)}"
    return words + "."


def _others(task: Task) -> str:
    """Which others may be the best."""
    if len(task.seeds) < 2:
        return "one seed says nothing of which is the best for another"
    others = [name for name in task.may_be_best if name != task.best.detector]
    seeds = count(len(task.seeds), "seed")
    who = f"{seeds} and their test rows" if task.heeds_rows else f"on these test rows, {seeds}"
    if others:
        return f"{who} do not exclude {plain(listed(others, most=5))} as the best"
    return f"{who} exclude every other as the best"


def _closed(task: Task) -> str:
    best = task.best
    return (
        f"**A {plain(task.split.title)}.** {plain(best.detector)} tells the others with an AUROC "
        f"of {area(best)}: they were seen in training, so this says nothing of classes that were "
        "not."
    )


def remedies(tasks: Iterable[Task]) -> list[str]:
    """What each remedy of the 2023 report is worth."""
    tasks = list(tasks)
    found = []
    for task in tasks:
        centre, softmax = task.of("class centre"), task.of("softmax")
        if centre is not None and not task.split.negative and not task.split.closed:
            found.append(_first_remedy(task, centre, softmax))
            break
    for task in tasks:
        sigmoid = task.of("sigmoid output")
        if sigmoid is not None and not task.split.closed:
            found.append(_second_remedy(task, sigmoid, tasks))
            break
    return found


def _first_remedy(task: Task, centre: DetectorSeries, softmax: DetectorSeries | None) -> str:
    words = (
        "**The report's first remedy**, the distance to the centre of the predicted class, has an "
        f"AUROC of {area(centre)} with exact centres of the last hidden activations"
    )
    running = task.of("class centre (running centres)")
    if running is not None:
        words += f" and {area(running)} with running means kept during training, as it proposed"
    if softmax is not None:
        gap = task.difference(centre, softmax)
        verdict = "worse" if float(gap.mean) < 0 else "better"
        words += (
            f": {_difference(gap)} {verdict} than asking the softmax, which costs nothing"
            f"{_unsure(gap)}"
        )
    variants = [
        d for d in task.detectors
        if d.detector.startswith("class centre (") and "running" not in d.detector
    ]  # fmt: skip
    if variants:
        best = max(variants, key=lambda d: float(d.mean("auroc").mean))
        told = plain(best.detector.removeprefix("class centre (").removesuffix(")"))
        which = f"best variant ({told}, {CHOSEN})" if len(variants) > 1 else f"variant ({told})"
        words += f". Its {which} has {area(best)}"
    return words + "."


def _second_remedy(task: Task, sigmoid: DetectorSeries, tasks: list[Task]) -> str:
    split = task.split
    words = (
        "**The report's second remedy**, a sigmoid output trained beside the classifier, has an "
        f"AUROC of {area(sigmoid)} when {plain(listed_classes(split.negative))} serve as negatives "
        f"and {plain(listed_classes(split.unknown))} are the unknown"
    )
    softmax = task.of("softmax")
    if softmax is not None:
        gap = task.difference(sigmoid, softmax)
        verdict = "worse" if float(gap.mean) < 0 else "better"
        words += f", {_difference(gap)} {verdict} than the softmax of a plain network{_unsure(gap)}"
    words += "."
    if task.best is not sigmoid:
        words += (
            f" The best there, {CHOSEN}, is {plain(task.best.detector)} with {area(task.best)}."
        )
    closed = [t for t in tasks if t.split.closed and t.of("sigmoid output") is not None]
    if closed:
        other = closed[0].of("sigmoid output")
        assert other is not None
        words += (
            " Trained on the very classes that it is tested on, as the report proposed, it reaches "
            f"{area(other)}; that is a {plain(closed[0].split.title)}, and no open one."
        )
    return words


def why_centres(task: Task) -> list[str]:
    """Why the distance to a centre does as it does, and how far it can be mended."""
    centre = task.of("class centre")
    if centre is None:
        return []
    seen = [run.centre for run in centre.runs.values() if run.centre is not None]
    if not seen:
        return []
    found = [_reach(seen), _two_sided(seen, task, centre), _no_ball(seen, task), _last_step(task)]
    return [sentence for sentence in found if sentence]


def _over_seeds(values: Iterable[float | None]) -> float:
    return float(t_interval([v for v in values if v is not None]).mean)


def _reach(seen: Sequence[CentreEvidence]) -> str:
    known, unknown = (_over_seeds(getattr(e, f"{s}_length") for e in seen) for s in _SIDES)
    shorter = "shorter" if unknown < known else "longer"
    k, u = (_over_seeds(getattr(e, f"{side}_beyond") for e in seen) for side in _SIDES)
    return (
        f"**Unknown inputs excite the last hidden layer {'less' if unknown < known else 'more'}.** "
        f"Their activations are {shorter}: {unknown:.1f} on average against {known:.1f}. On the "
        f"line from the origin through the centre of the predicted class, {k:.0%} of known inputs "
        f"reach beyond the centre, and {u:.0%} of unknown ones."
    )


_SIDES = ("known", "unknown")
_ALIKE = "counts reaching beyond and falling short alike"


def _two_sided(seen: Sequence[CentreEvidence], task: Task, centre: DetectorSeries) -> str:
    short, along = (_over_seeds(getattr(e, f"{n}_auroc") for e in seen)
                    for n in ("shortfall", "along"))  # fmt: skip
    far, beyond = (_over_seeds(getattr(e, n) for e in seen)
                   for n in ("far_known", "far_known_beyond"))  # fmt: skip
    costs = short > along
    words = (
        f"**A distance {'takes reaching beyond for falling short' if costs else _ALIKE}.** "
        f"How far an input falls short of the centre along that line has an AUROC of {short:.3f} "
        f"by itself; with reaching beyond counted the same, as a distance does, it is {along:.3f}."
    )
    if far > 0:
        words += (
            f" Of the known inputs that lie farther away than half of the unknown ones ({far:.0%} "
            f"of all), {beyond:.0%} reach beyond."
        )
    one_sided = task.of("class centre (one-sided)")
    if one_sided is not None:
        words += (
            f" Forgiving what reaches beyond takes the class centre from {_mean(centre)} to "
            f"{_mean(one_sided)} ({signed(task.difference(one_sided, centre))})."
        )
    direction = task.of("class centre (directions)")
    if direction is not None:
        words += (
            f" Putting lengths aside altogether, so that only directions are compared, takes it to "
            f"{_mean(direction)} ({signed(task.difference(direction, centre))})."
        )
    return words


def _no_ball(seen: Sequence[CentreEvidence], task: Task) -> str:
    few = _over_seeds(e.spread_in_few for e in seen)
    words = (
        f"**A class is no ball about its centre.** Five directions hold {few:.0%} of the variance "
        "within classes, and every direction counts the same in a distance."
    )
    steps = _told_steps(task, ("mahalanobis", "mahalanobis (directions)"), "Mahalanobis")
    several = [
        (s.detector.removeprefix(_SEVERAL).removesuffix(" a class)"), s)
        for s in task.detectors
        if s.detector.startswith(_SEVERAL) and s.detector.endswith(" a class)")
    ]
    if steps:
        words += f" Weighing directions by how a class varies: {steps}."
    one = task.of("class centre (directions)")
    if several and one is not None:
        told = [
            f"{_mean(s)} with {plain(n)} ({signed(task.difference(s, one))})" for n, s in several
        ]
        words += (
            f" Several centres a class, directions only: {_mean(one)} with one, {listed(told)}."
        )
    return words


_SEVERAL = "class centre (directions, "


def _told_steps(task: Task, names: Sequence[str], what: str) -> str:
    found = [(name, series) for name in names if (series := task.of(name)) is not None]
    told = [
        f"{what} {_mean(s)}" + (" for directions" if "directions" in name else "")
        for name, s in found
    ]
    return listed(told)


def _last_step(task: Task) -> str:
    """What neighbours add, and the verdict on the remedy."""
    near, softmax = task.of("nearest neighbours"), task.of("softmax")
    variants = [s for s in task.ranked if s.detector.startswith("class centre (")]
    honest = [s for s in variants if " on " not in s.detector and "running" not in s.detector]
    if not honest:
        return ""
    best = honest[0]
    told = plain(best.detector.removeprefix("class centre (").removesuffix(")"))
    which = f"best of these class centres ({told}, {CHOSEN})"
    if len(honest) == 1:
        which = f"variant of the class centre ({told})"
    words = f"**How far the remedy can go.** The {which} has {area(best)}"
    if softmax is not None:
        gap = task.difference(best, softmax)
        verdict = "more" if float(gap.mean) > 0 else "less"
        words += f", {_difference(gap)} {verdict} than the softmax{_unsure(gap)}"
    if near is not None:
        gap = task.difference(near, best)
        words += (
            f". Nearest neighbours, for whom every training input is a centre, have {area(near)}, "
            f"{_difference(gap)} {'more' if float(gap.mean) > 0 else 'less'}{_unsure(gap)}"
        )
        lengths = task.of("nearest neighbours (with lengths)")
        if lengths is not None:
            words += (
                f"; they too lose when lengths count: {_mean(lengths)}"
                if float(task.difference(near, lengths).mean) > 0
                else f"; with lengths they have {_mean(lengths)}"
            )
    return words + "."


def centres_do_worse(task: Task) -> bool:
    """Whether the class centre's AUROC is below the softmax's."""
    centre, softmax = task.of("class centre"), task.of("softmax")
    return (
        centre is not None
        and softmax is not None
        and float(task.difference(centre, softmax).mean) < 0
    )


def area(series: DetectorSeries) -> str:
    """A mean AUROC with its interval."""
    value, low, high = series.auroc()
    return f"{value:.3f} ({low:.3f}-{high:.3f})"


def _mean(series: DetectorSeries) -> str:
    return f"{float(series.mean('auroc').mean):.3f}"


def _percent(mean: MeanInterval) -> str:
    """A rate with its interval, where there is one."""
    low, high = max(float(mean.low), 0.0), min(float(mean.high), 1.0)
    known = math.isfinite(float(mean.low))
    return f"{100 * float(mean.mean):.1f}%" + (f" ({percent_range(low, high)})" if known else "")


def _difference(gap: MeanInterval) -> str:
    value = abs(float(gap.mean))
    half = (float(gap.high) - float(gap.low)) / 2
    return f"{value:.3f}" + (f" ± {half:.3f}" if math.isfinite(half) else "")


def _unsure(gap: MeanInterval) -> str:
    if math.isfinite(float(gap.low)) and float(gap.low) <= 0 <= float(gap.high):
        return " (the interval holds 0: not settled)"
    return ""
