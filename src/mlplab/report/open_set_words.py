"""What came out of the tests on unknown classes, in sentences made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

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
    with_limits,
)

CHOSEN = "chosen on these very rows"
"""Said of the best of several: its interval does not allow for that choice."""
PROMISE = "What the threshold promises"


def answer(task: Task) -> list[str]:
    """How often it is right, what becomes of unknown inputs, and which detector is best."""
    if task.split.closed:
        return [_closed(task)]
    return [_right_and_absorbed(task), _rejection(task), _best(task)]


def _right_and_absorbed(task: Task) -> str:
    accuracy = task.plain.mean("accuracy_on_known_before")
    pairs = [
        f"{plain(u)} is taken for {plain(k)} in {fraction:.0%} of cases"
        for u, k, fraction in task.before().largest(3)
    ]
    how = f", over {count(int(accuracy.n), 'seed')}"
    return (
        f"**On the classes it knows** ({plain(listed_classes(task.split.known))}), "
        f"{plain(task.template)} is right with a rate of **{with_limits(accuracy, 4)}**{how}. "
        f"**Without rejection** it takes every unknown input for one of them: {listed(pairs)}."
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
    level = task.level_with_best
    if len(level) > 1:
        words = (
            f"**No detector is the best alone**: {plain(listed([d.detector for d in level]))} all "
            f"have an AUROC of **{area(best)}**"
        )
    else:
        words = (
            f"**The best detector**, {CHOSEN}, is {plain(best.detector)}, with an AUROC of "
            f"**{area(best)}**; {_others(task)}"
        )
    softmax = task.of("softmax")
    if softmax is not None and softmax not in level:
        gap = task.difference(best, softmax)
        words += f". The plain softmax has {area(softmax)}, {_difference(gap)} less{_unsure(gap)}"
    return words + "."


def _others(task: Task) -> str:
    """Which others may be the best."""
    if len(task.seeds) < 2:
        return "one seed says nothing of which is the best for another"
    others = [name for name in task.may_be_best if name != task.best.detector]
    seeds = count(len(task.seeds), "seed")
    who = f"{seeds} and their test rows" if task.covers_rows else f"on these test rows, {seeds}"
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


def remedies(tasks: Iterable[Task], of_report: bool) -> list[str]:
    """What the class centre and the sigmoid output achieve.

    of_report: whether the study is that of the 2023 report, which proposed both as its remedies.
    """
    tasks = list(tasks)
    found = []
    for task in tasks:
        centre = task.of("class centre")
        if centre is not None and not task.split.negative and not task.split.closed:
            found.append(_class_centre(task, centre, of_report))
            break
    for task in tasks:
        sigmoid = task.of("sigmoid output")
        if sigmoid is not None and not task.split.closed:
            found.append(_sigmoid_output(task, sigmoid, tasks, of_report))
            break
    return found


def _class_centre(task: Task, centre: DetectorSeries, of_report: bool) -> str:
    distance = "the distance to the centre of the predicted class"
    subject = (
        f"**The report's first remedy**, {distance},"
        if of_report
        else f"**{distance.capitalize()}**"
    )
    words = f"{subject} has an AUROC of {area(centre)} with exact centres of the last hidden layer"
    running = task.of("class centre (running centres)")
    if running is not None:
        words += f" and {area(running)} with running means kept during training"
        words += ", as it proposed" * of_report
    words += _against_softmax(task, centre, "asking the softmax, which costs nothing")
    variants = _variants(task)
    if variants:
        best = max(variants, key=lambda d: float(d.mean("auroc").mean))
        which = (
            f"best variant ({_variant(best)}, {CHOSEN})"
            if len(variants) > 1
            else f"variant ({_variant(best)})"
        )
        words += f". Its {which} has {area(best)}"
    return words + "."


def _against_softmax(task: Task, series: DetectorSeries, softmax_in_words: str) -> str:
    softmax = task.of("softmax")
    if softmax is None:
        return ""
    gap = task.difference(series, softmax)
    if _is_level(gap):
        return f": as much as {softmax_in_words}"
    verdict = "worse" if float(gap.mean) < 0 else "better"
    return f": {_difference(gap)} {verdict} than {softmax_in_words}{_unsure(gap)}"


def _variants(task: Task) -> list[DetectorSeries]:
    """Class centres with settings, the best first; running centres are no variant but another
    training."""
    return [
        d for d in task.ranked
        if d.detector.startswith("class centre (") and "running" not in d.detector
    ]  # fmt: skip


def _variant(series: DetectorSeries) -> str:
    return plain(series.detector.removeprefix("class centre (").removesuffix(")"))


def _sigmoid_output(task: Task, sigmoid: DetectorSeries, tasks: list[Task], of_report: bool) -> str:
    split = task.split
    output = "sigmoid output trained beside the classifier"
    subject = f"**The report's second remedy**, a {output}," if of_report else f"**A {output}**"
    words = (
        f"{subject} has an AUROC of {area(sigmoid)} when {plain(listed_classes(split.negative))} "
        f"serve as negatives and {plain(listed_classes(split.unknown))} are the unknown"
    )
    words += _against_softmax(task, sigmoid, "the softmax of a plain network") + "."
    if sigmoid not in task.level_with_best:
        words += (
            f" The best there, {CHOSEN}, is {plain(task.best.detector)} with {area(task.best)}."
        )
    for closed in tasks:
        other = closed.of("sigmoid output") if closed.split.closed else None
        if other is not None:
            proposed = ", as the report proposed" if of_report else ""
            words += (
                f" Trained on the very classes that it is tested on{proposed}, it reaches "
                f"{area(other)}; that is a {plain(closed.split.title)}, and no open one."
            )
            break
    return words


def why_centres(task: Task) -> list[str]:
    """Why the distance to a centre does as it does, and how far it can be mended."""
    centre = task.of("class centre")
    if centre is None:
        return []
    evidence = [run.centre for run in centre.runs.values() if run.centre is not None]
    if not evidence:
        return []
    seen = {each.name: _over_seeds(evidence, each.name) for each in _NUMBERS}
    found = [_reach(seen), _two_sided(seen, task, centre), _no_ball(seen, task), _last_step(task)]
    return [sentence for sentence in found if sentence]


_NUMBERS = [each for each in fields(CentreEvidence) if each.name != "along"]


def _over_seeds(evidence: Sequence[CentreEvidence], name: str) -> float:
    values = [getattr(each, name) for each in evidence]
    return float(t_interval([value for value in values if value is not None]).mean)


def _reach(seen: Mapping[str, float]) -> str:
    shorter = seen["unknown_length"] < seen["known_length"]
    return (
        f"**The activations of unknown inputs are {'shorter' if shorter else 'longer'}**: a length "
        f"of {seen['unknown_length']:.1f} on average, against {seen['known_length']:.1f}. On the "
        "line from the origin through the centre of the predicted class, "
        f"{seen['known_beyond']:.0%} of known inputs reach beyond the centre, and "
        f"{seen['unknown_beyond']:.0%} of unknown ones."
    )


def _two_sided(seen: Mapping[str, float], task: Task, centre: DetectorSeries) -> str:
    words = (
        "**A distance counts reaching beyond and falling short alike.** "
        f"How far an input falls short of the centre along that line has an AUROC of "
        f"{seen['shortfall_auroc']:.3f} by itself; with reaching beyond counted the same, as a "
        f"distance does, it is {seen['along_auroc']:.3f}."
    )
    if seen["far_known"] > 0:
        words += (
            " Of the known inputs that lie farther away than half of the unknown ones "
            f"({seen['far_known']:.0%} of all), {seen['far_known_beyond']:.0%} reach beyond."
        )
    for variant, sentence in _STEPS.items():
        other = task.of(variant)
        if other is not None:
            gap = signed(task.difference(other, centre))
            words += sentence.format(centre=_mean(centre), reached=f"{_mean(other)} ({gap})")
    return words


_STEPS = {
    "class centre (one-sided)": " Counting only what falls short (one-sided) takes the class centre "
    "from {centre} to {reached}.",
    "class centre (directions)": " Normalising lengths, so that only directions are compared, takes "
    "it to {reached}.",
}


def _no_ball(seen: Mapping[str, float], task: Task) -> str:
    words = (
        "**Classes are not spherical.** Five directions hold "
        f"{seen['spread_in_few']:.0%} of the variance within classes, and every direction counts "
        "the same in a distance."
    )
    weighed = [
        f"Mahalanobis {_mean(series)}{what}"
        for name, what in (("mahalanobis", ""), ("mahalanobis (directions)", " for directions"))
        if (series := task.of(name)) is not None
    ]
    several = [
        (s.detector.removeprefix(_SEVERAL).removesuffix(" a class)"), s)
        for s in task.detectors
        if s.detector.startswith(_SEVERAL) and s.detector.endswith(" a class)")
    ]
    if weighed:
        words += f" Weighing directions by how a class varies: {listed(weighed)}."
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


def _last_step(task: Task) -> str:
    """The best variant of the class centre beside the softmax and the neighbours."""
    variants = [d for d in _variants(task) if " on " not in d.detector]
    if not variants:
        return ""
    best, near = variants[0], task.of("nearest neighbours")
    which = f"best of these class centres ({_variant(best)}, {CHOSEN})"
    if len(variants) == 1:
        which = f"variant of the class centre ({_variant(best)})"
    words = f"**The best that a class centre reaches.** The {which} has {area(best)}"
    words += _against_softmax(task, best, "the softmax")
    if near is not None:
        gap = task.difference(near, best)
        verdict = "as much" if _is_level(gap) else (
            f"{_difference(gap)} {'more' if float(gap.mean) > 0 else 'less'}{_unsure(gap)}"
        )  # fmt: skip
        words += (
            f". Nearest neighbours, for which every training input is a centre, have {area(near)}, "
            f"{verdict}"
        )
        lengths = task.of("nearest neighbours (with lengths)")
        if lengths is not None:
            words += f"; with lengths {_mean(lengths)}"
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


def _is_level(gap: MeanInterval) -> bool:
    """Whether no difference is seen in three decimals."""
    return round(float(gap.mean), 3) == 0


def _difference(gap: MeanInterval) -> str:
    value = abs(float(gap.mean))
    half = (float(gap.high) - float(gap.low)) / 2
    return f"{value:.3f}" + (f" ± {half:.3f}" if math.isfinite(half) else "")


def _unsure(gap: MeanInterval) -> str:
    if math.isfinite(float(gap.low)) and float(gap.low) <= 0 <= float(gap.high):
        return " (the interval holds 0: not settled)"
    return ""
