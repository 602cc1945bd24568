"""Open-set recognition: what networks do with unknown classes, and how they reject them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlplab.analysis.open_set.all_splits import FEWEST_SPLITS, groups_of_splits
from mlplab.analysis.open_set.evaluating import Tested, tests_of
from mlplab.analysis.open_set.tasks import Task, tasks_of
from mlplab.figures.figure import Figure
from mlplab.figures.of_study import slug, unused
from mlplab.figures.open_set.absorption import absorption_figure
from mlplab.figures.open_set.accuracy import accuracy_figure
from mlplab.figures.open_set.areas import mean_measures
from mlplab.figures.open_set.centres import along_figure, variants_figure
from mlplab.figures.open_set.mistakes import mistakes_figure
from mlplab.figures.open_set.separation import curves_figure, ranking_figure, scores_figure
from mlplab.figures.open_set.trends import negatives_figure, steps_figure
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Details,
    Fact,
    Facts,
    Heading,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.report.open_set_health import health_lines
from mlplab.report.open_set_splits import many_splits
from mlplab.report.open_set_words import (
    PROMISE,
    answer,
    area,
    centres_do_worse,
    remedies,
    why_centres,
)
from mlplab.words import listed, listed_classes, signed, with_limits

_MEASURES = (
    ("AUROC", "auroc"),
    ("OSCR", "oscr"),
    ("known rejected", "known_rejected"),
    ("unknown rejected", "recall_of_unknown"),
)
_MORE_MEASURES = (
    ("AUPR, unknown positive", "aupr_unknown_positive"),
    ("AUPR, known positive", "aupr_known_positive"),
    ("FPR at 95% TPR, unknown positive", "fpr_at_95_tpr_unknown_positive"),
    ("FPR at 95% TPR, known positive", "fpr_at_95_tpr_known_positive"),
    ("macro F1 of K+1", "macro_f1"),
)
_MOST_TASKS = 40
"""Splits with figures of their own; of more, the first."""


def chapter(context: Context) -> Chapter | None:
    """The answer first, then each split, then what several splits say together."""
    tests = tests_of(context.results)
    if not tests:
        return None
    shares = [entry.reject_at_most for entry in context.results.study.open_set]
    tasks = tasks_of(tests, shares)
    groups = [g for g in groups_of_splits(tasks) if len(g) >= FEWEST_SPLITS]
    together = {id(task) for group in groups for task in group}
    alone = [task for task in tasks if id(task) not in together]
    names: set[str] = set()
    blocks: list[Block] = []
    for group in groups:
        blocks += many_splits(group, tasks, names)
    if groups and alone:
        blocks.append(Heading("The other splits"))
    blocks += _lead(alone, _is_of_report(context))
    blocks += _published(context, alone)
    blocks += _without_result(tests, tasks)
    for task in alone[:_MOST_TASKS]:
        its = [test for test in tests if _belongs(test, task)]
        blocks += _task(task, its, names, first=task is alone[0] and not groups)
    if len(alone) > _MOST_TASKS:
        left = f"{len(alone) - _MOST_TASKS:,} of {len(alone):,} splits"
        blocks.append(
            Paragraph(f"{left} are not shown here; `mlplab export --open-set` has their measures.")
        )
    blocks += _over_tasks(context, tests, alone, names)
    blocks.append(_small_print(tests, [*([task] for task in alone), *groups]))
    return Chapter("open-set", "Classes it has never seen", tuple(blocks))


def _belongs(test: Tested, task: Task, steps: int | None = None) -> bool:
    variant = test.variant
    return (variant.template, variant.split, variant.steps) == (task.template, task.split, steps)


def _is_of_report(context: Context) -> bool:
    """Whether the study is compared with the 2023 report, whose part two proposed two remedies."""
    return context.facts is not None and context.facts.part_two is not None


def _without_result(tests: Sequence[Tested], tasks: Sequence[Task]) -> Iterator[Block]:
    """Networks on which every detector failed, so that no split shows them."""
    having = {(task.template, task.split) for task in tasks}
    for test in tests:
        key = test.variant.template, test.variant.split
        if test.variant.steps is None and key not in having and test.finding.failures:
            having.add(key)
            yield Note(
                f"{plain(key[0])}, {plain(key[1].title)}: {_reasons(test.finding.failures)}.",
                "No detector has a result",
            )


def _reasons(failures: Mapping[str, str]) -> str:
    """Why detectors have no result, those of one reason together."""
    alike: dict[str, list[str]] = {}
    for label, reason in failures.items():
        alike.setdefault(reason.rstrip("."), []).append(label)
    return "; ".join(f"{plain(listed(who))}: {plain(why)}" for why, who in alike.items())


def _lead(tasks: Sequence[Task], of_report: bool) -> Iterator[Block]:
    if not tasks:
        return
    main = next((t for t in tasks if not t.split.closed), tasks[0])
    for sentence in (*answer(main), *remedies(tasks, of_report)):
        yield Paragraph(sentence, lead=True)
    best, lost = main.best, float(main.best.mean("known_rejected").mean)
    accuracy = float(main.plain.mean("accuracy_on_known_before").mean)
    yield Facts(
        (
            Fact(f"{accuracy:.1%}", f"of known inputs right ({plain(main.split.title)})"),
            Fact(f"{float(best.mean('auroc').mean):.3f}", f"AUROC of {plain(best.detector)}"),
            Fact(
                f"{float(best.mean('recall_of_unknown').mean):.0%}",
                f"of unknown inputs rejected, and {lost:.1%} of known ones",
            ),
        )
    )


def _published(context: Context, tasks: Sequence[Task]) -> list[Block]:
    """What a published study made of unknown classes, beside these numbers."""
    facts = context.facts
    part_two = facts.part_two if facts else None
    if facts is None or part_two is None:
        return []
    own = [t for t in tasks if t.split.known == part_two.known and not t.split.negative]
    if not own:
        return []
    task, before = own[0], own[0].before()
    true, taken = part_two.true, part_two.predicted
    rows = []
    for name in sorted(set(true)):
        its = [k for t, k in zip(true, taken, strict=True) if t == name]
        most = max(sorted(set(its)), key=its.count)
        if name in before.unknown and most in before.taken_for:
            fraction = before.fractions[before.unknown.index(name), before.taken_for.index(most)]
            rows.append(
                (f"{name} taken for {most}", f"{its.count(most)} of {len(its)}", f"{fraction:.0%}")
            )
    accuracy = with_limits(task.plain.mean("accuracy_on_known_before"), 4)
    known = f"accuracy on {listed_classes(part_two.known)}"
    return [
        Table(
            f"Part two of {facts.title} beside these networks. It shows the first {len(true)} "
            "unknown test images; for each class what it was most often taken for among them, and "
            "here among all test images.",
            columns("", "published", "here"),
            ((known, f"{part_two.accuracy:.4f}", accuracy), *rows),
        )
    ]


def _task(task: Task, tests: Sequence[Tested], names: set[str], *, first: bool) -> list[Block]:
    stem = slug(f"{task.template} {task.split.title}")
    blocks: list[Block] = []
    if not first:
        blocks += [Paragraph(sentence) for sentence in answer(task)]
    absorbed = absorption_figure(task, task.best, unused(f"open-set-absorbed-{stem}", names))
    blocks += [Pictures((absorbed,)), *_promise(task)]
    if len(task.detectors) > 1:
        figure = ranking_figure(task, unused(f"open-set-ranking-{stem}", names))
        blocks += [Pictures((figure,)), *_measures(task)]
    if not task.split.negative and not task.split.closed:
        blocks += _why(task, stem, names)
    blocks += _drawn(scores_figure(task, unused(f"open-set-scores-{stem}", names)))
    blocks += _drawn(
        curves_figure(task, "roc", unused(f"open-set-roc-{stem}", names)),
        curves_figure(task, "oscr", unused(f"open-set-oscr-{stem}", names)),
    )
    blocks += _mistakes(task, tests, stem, names)
    title = plain(task.split.title)
    title = title[0].upper() + title[1:]
    if first:
        return [Heading(title), *blocks]
    best = f"{plain(listed([d.detector for d in task.level_with_best]))} {area(task.best)}"
    return [Details(f"**{title}** · {best}", tuple(blocks))]


def _promise(task: Task) -> Iterator[Block]:
    """The threshold's promise and what came of it, for the first seed of the best detector."""
    best = task.best
    seed, finding = next(iter(best.findings.items()))
    real = finding.realised
    yield Note(
        f"{plain(best.detector)}, seed {seed}: {plain(finding.guarantee)}. On test rows it rejected "
        f"{real.value:.1%} of known inputs ({real.low:.1%}-{real.high:.1%}).",
        PROMISE,
    )


def _measures(task: Task) -> Iterator[Block]:
    """The measures of every detector; beside AUROC how far it is from the softmax's."""
    softmax = task.of("softmax")
    beside = () if softmax is None else ("less the softmax's",)
    rows = []
    for series in task.ranked:
        cells = [with_limits(series.mean(metric)) for _, metric in _MEASURES]
        if softmax is not None:
            gap = "–" if series is softmax else signed(task.difference(series, softmax))
            cells.insert(1, gap)
        accuracy = with_limits(series.mean("accuracy_on_known_before"), digits=4)
        rows.append((plain(series.detector), series.method or "plain", *cells, accuracy))
    titles = [title for title, _ in _MEASURES]
    failed = [label for label in task.failures if task.of(label) is None]
    width = len(_MEASURES) + len(beside) + 2
    rows += [(plain(label), *("–",) * width) for label in failed]
    yield Table(
        f"All detectors, best first; {mean_measures(task.detectors)}. "
        "Differences from the softmax are of pairs, on the same seeds and rows. "
        "Accuracy is on known classes before rejection."
        + (" Detectors without numbers have no result." if failed else ""),
        columns("detector", "training", titles[0], *beside, *titles[1:], "accuracy", left=2),
        tuple(rows),
        sortable=True,
    )
    if task.failures:
        yield Note(_failures(task), "Detectors without a result")
    more = Table(
        f"The other measures, {mean_measures(task.detectors)}. AUPR depends on how many rows of "
        "each side there are.",
        columns("detector", *(title for title, _ in _MORE_MEASURES)),
        tuple(
            (plain(s.detector), *(with_limits(s.mean(metric)) for _, metric in _MORE_MEASURES))
            for s in task.ranked
        ),
        sortable=True,
    )
    yield Details("AUPR, FPR at 95% TPR and macro F1", (more,))


def _failures(task: Task) -> str:
    """Each detector that failed, with which seeds, and why."""
    told = []
    for label, by_seed in task.failures.items():
        seeds = listed([str(seed) for seed in by_seed])
        reason = next(iter(by_seed.values())).rstrip(".")
        told.append(f"{plain(label)} (seed{'s' * (len(by_seed) > 1)} {seeds}): {plain(reason)}")
    return "; ".join(told) + "."


def _why(task: Task, stem: str, names: set[str]) -> Iterator[Block]:
    """Why class centres reach what they reach."""
    reasons = why_centres(task)
    if not reasons:
        return
    yield Heading("Why class centres do worse" if centres_do_worse(task) else "Class centres")
    yield Bullets(tuple(reasons))
    yield from _drawn(
        along_figure(task, unused(f"open-set-along-{stem}", names)),
        variants_figure(task, unused(f"open-set-remedy-{stem}", names)),
    )


def _drawn(*figures: Figure | None) -> Iterator[Block]:
    """Figures beside one another, where there are any."""
    drawn = tuple(figure for figure in figures if figure is not None)
    if drawn:
        yield Pictures(drawn)


def _mistakes(task: Task, tests: Sequence[Tested], stem: str, names: set[str]) -> Iterator[Block]:
    for test in tests:
        found, shape = test.finding.mistakes, test.finding.image_shape
        if test.variant.method is None and found and shape:
            name = unused(f"open-set-mistakes-{stem}", names)
            yield Pictures((mistakes_figure(found, shape, task.template, test.seed, name),))
            return


def _over_tasks(
    context: Context, tests: Sequence[Tested], tasks: Sequence[Task], names: set[str]
) -> Iterator[Block]:
    """What only several networks or splits say together."""
    by_steps = _by_steps(context, tests, tasks)
    fewer = [task for group in by_steps for _, task in group[:-1]]
    figures = [
        *(steps_figure(group, unused("open-set-steps", names)) for group in by_steps),
        *(
            negatives_figure(alike, unused("open-set-negatives", names))
            for alike in _same_unknown(tasks)
        ),
        accuracy_figure([*tasks, *fewer], unused("open-set-accuracy", names)),
    ]
    drawn = [block for figure in figures for block in _drawn(figure)]
    if drawn:
        yield Heading("What it depends on")
        yield from drawn


def _by_steps(
    context: Context, tests: Sequence[Tested], tasks: Sequence[Task]
) -> list[list[tuple[int, Task]]]:
    """For each split that was tested at several training lengths: (steps, task), rising."""
    study, groups = context.results.study, []
    shares = [entry.reject_at_most for entry in study.open_set]
    for task in tasks:
        by_length: dict[int, list[Tested]] = {}
        for test in tests:
            steps = test.variant.steps
            if steps is not None and _belongs(test, task, steps):
                by_length.setdefault(steps, []).append(test)
        group = [
            (steps, found)
            for steps in sorted(by_length)
            for found in tasks_of(by_length[steps], shares, steps=True)
        ]
        if group:
            full = study.networks[task.plain.network].training.steps
            groups.append([*group, (full, task)])
    return groups


def _same_unknown(tasks: Sequence[Task]) -> list[list[Task]]:
    groups: dict[tuple, list[Task]] = {}
    for task in tasks:
        split = task.split
        if split.negative and not split.closed:
            alike = (task.template, split.known, split.unknown, split.apart)
            groups.setdefault(alike, []).append(task)
    return [
        sorted(group, key=lambda t: len(t.split.negative))
        for group in groups.values()
        if len(group) > 1
    ]


def _unit(unit: Sequence[Task]) -> str:
    """What a task, or the tasks of many splits, is called in the small print."""
    split = unit[0].split
    if len(unit) == 1:
        return f"{plain(unit[0].template)}, {plain(split.title)}"
    apart = f" · {plain(split.apart)}" if split.apart else ""
    return f"{plain(unit[0].template)}, all {len(unit)} splits{apart}"


def _small_print(tests: Sequence[Tested], units: Sequence[Sequence[Task]]) -> Details:
    """Which rows were used for what, and diagnostics of the scores.

    Args:
        tests: of all networks.
        units: tasks of full-length training, those of many splits together.
    """
    first = next((test for test in tests if test.variant.steps is None), tests[0])
    blocks: list[Block] = [
        Paragraph(
            f"{plain(first.variant.network)}, seed {first.seed}. Rows by what they influenced; a test "
            "row of an unknown class is refused wherever it would influence anything:"
        ),
        Bullets(tuple(plain(line) for line in first.finding.ledger)),
    ]
    for unit in units:
        blocks.append(Paragraph(f"Diagnostics of the scores of {_unit(unit)}:"))
        blocks.append(Bullets(tuple(plain(line) for line in health_lines(unit))))
    return Details("Which rows were used for what, and diagnostics of the scores", tuple(blocks))
