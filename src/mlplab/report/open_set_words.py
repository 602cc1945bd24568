"""What came out of the tests on unknown classes, in sentences made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mlplab.analysis.open_set.tasks import DetectorSeries, Task
from mlplab.declarations.open_set_networks import listed_classes
from mlplab.figures.wording import count, listed, with_interval
from mlplab.report.document import plain
from mlplab.statistics.intervals import MeanInterval, t_interval


def answer(task: Task) -> list[str]:
    """How often it is right, what becomes of unknown inputs, and which detector is best."""
    if task.split.closed:
        return [_closed(task)]
    return [_right_and_absorbed(task), _rejection(task), _best(task)]


def _right_and_absorbed(task: Task) -> str:
    accuracy = t_interval(task.plain.accuracies)
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
    words = (
        f"**With rejection** by {plain(best.detector)}, the threshold promising to reject at most "
        f"{task.reject_at_most:.0%} of known inputs on average over calibration sets, "
        f"**{_percent(caught)}** of unknown inputs are rejected and {_percent(lost)} of known ones, "
        f"of which {_percent(after)} are still accepted and right."
    )
    if plainly.detector != best.detector:
        words += (
            f" Asking {plain(plainly.detector)} instead rejects "
            f"{_percent(plainly.mean('recall_of_unknown'))} of unknown ones. There is no promise "
            "about unknown inputs."
        )
    return words


def _best(task: Task) -> str:
    best = task.best
    words = f"**The best detector** is {plain(best.detector)}, with an AUROC of **{area(best)}**"
    others = [name for name in task.may_be_best if name != best.detector]
    if len(task.seeds) < 2:
        words += "; with one seed nothing is said of another"
    elif others:
        words += (
            f"; {count(len(task.seeds), 'seed')} do not exclude "
            f"{plain(listed(others, most=5))} as the best"
        )
    else:
        words += f"; {count(len(task.seeds), 'seed')} exclude every other as the best"
    softmax = task.of("softmax")
    if softmax is not None and softmax is not best:
        words += (
            f". The plain softmax has {area(softmax)}, "
            f"{_difference(task.difference(best, softmax))} less"
        )
    return words + "."


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
        told = best.detector.removeprefix("class centre (").removesuffix(")")
        words += f". Of its variants the best measures {_place(told)}: {area(best)}"
    return words + "."


def _place(told: str) -> str:
    return "directions only, lengths put aside" if told == "directions" else plain(told)


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
        words += f" The best there is {plain(task.best.detector)} with {area(task.best)}."
    closed = [t for t in tasks if t.split.closed and t.of("sigmoid output") is not None]
    if closed:
        other = closed[0].of("sigmoid output")
        assert other is not None
        words += (
            " Trained on the very classes that it is tested on, as the report proposed, it reaches "
            f"{area(other)}; that is a {plain(closed[0].split.title)}, and no open one."
        )
    return words


def why_centres(task: Task) -> str | None:
    """Why the distance to a centre does worse than the softmax."""
    centre = task.of("class centre")
    if centre is None:
        return None
    lengths = [run.lengths for run in centre.runs.values()]
    known = t_interval([x.known for x in lengths])
    unknown = t_interval([x.unknown for x in lengths])
    shortness = float(t_interval([x.shortness_auroc for x in lengths]).mean)
    shorter = float(unknown.mean) < float(known.mean)
    words = (
        f"The last hidden activations of unknown inputs are {'shorter' if shorter else 'longer'} "
        f"than those of known ones: mean length {float(unknown.mean):.1f} against "
        f"{float(known.mean):.1f}"
    )
    if shorter:
        words += (
            f", and shortness alone has an AUROC of {shortness:.3f}. A distance to a centre does "
            "not see that as a sign: a short activation lies nearer to everything, and a known "
            "input that excites its units more than usual lies far away though it points in the "
            "right direction"
        )
    words += "."
    pairs = []
    for name, variant in (
        ("class centre", "class centre (directions)"),
        ("mahalanobis", "mahalanobis (directions)"),
        ("nearest neighbours (with lengths)", "nearest neighbours"),
    ):
        whole, direction = task.of(name), task.of(variant)
        if whole is not None and direction is not None:
            told = name.removesuffix(" (with lengths)")
            pairs.append(
                f"{told} from {_mean(whole)} to {_mean(direction)} "
                f"({_signed(task.difference(direction, whole))})"
            )
    if pairs:
        words += f" Comparing directions only changes AUROC: {listed(pairs)}."
    near, direction = task.of("nearest neighbours"), task.of("class centre (directions)")
    if near is not None and direction is not None:
        gap = task.difference(near, direction)
        if float(gap.mean) > 0:
            words += (
                f" Neighbours compare directions too and do better still ({_signed(gap)}): the "
                "rows of a class do not lie about one point, and neighbours need them not to."
            )
    return words


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
    return f"{100 * float(mean.mean):.1f}%"


def _difference(gap: MeanInterval) -> str:
    value = abs(float(gap.mean))
    half = (float(gap.high) - float(gap.low)) / 2
    return f"{value:.3f}" + (f" ± {half:.3f}" if math.isfinite(half) else "")


def _signed(gap: MeanInterval) -> str:
    half = (float(gap.high) - float(gap.low)) / 2
    return f"{float(gap.mean):+.3f}" + (f" ± {half:.3f}" if math.isfinite(half) else "")


def _unsure(gap: MeanInterval) -> str:
    if math.isfinite(float(gap.low)) and float(gap.low) <= 0 <= float(gap.high):
        return " (the interval holds 0, so these seeds do not settle it)"
    return ""
