"""Our runs against the numbers of a published study, and where that study went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlplab.declarations.network import Network
from mlplab.declarations.task import CLASSIFICATION
from mlplab.figures.against_published import NetworkComparison, band_figure, compare
from mlplab.figures.ensemble import Ensemble, gather
from mlplab.figures.published import PublishedFigure, PublishedStudy
from mlplab.metrics.classification import Evaluation
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Details,
    Heading,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.prediction_band import FEWEST_RUNS
from mlplab.words import SPLITS, count, listed, number, with_interval


def chapter(context: Context) -> Chapter | None:
    """Figure by figure and network by network; then the table, the areas and the mistakes."""
    facts = context.facts
    if facts is None:
        return None
    other = {
        name: differences(context.results.study.networks[name], settings)
        for name, settings in facts.settings.items()
        if name in context.runs
    }
    same = [name for name, reasons in other.items() if not reasons]
    if not other:
        return None
    compared = [
        (figure, compare(figure, _ensembles(context, figure, same)))
        for figure in facts.figures.values()
    ]
    compared = [(figure, found) for figure, found in compared if found]
    blocks: list[Block] = [Paragraph(_verdict(compared, same, context), lead=True)]
    blocks += _other_settings(other)
    blocks.append(Paragraph(_method(facts.reading_error)))
    blocks += _overview(compared)
    for figure, found in compared:
        blocks += _figure_blocks(figure, found)
    blocks += _table_blocks(context, facts, same)
    blocks += _area_blocks(context, facts, same)
    if facts.mistakes:
        blocks += [Heading(f"Where {facts.title} went wrong"), Bullets(facts.mistakes)]
    return Chapter("published", "Against the published numbers", tuple(blocks))


def differences(network: Network, published: Network) -> list[str]:
    """In what a network is another one than the published one; its number of steps aside."""
    own, theirs = _aspects(network), _aspects(published)
    return [name for name in own if own[name] != theirs[name]]


def _aspects(network: Network) -> dict[str, object]:
    """What decides a result, by what a reader calls it."""
    optimizer, data, training = network.optimizer, network.data, network.training
    told = {"name", "learning_rate", "epsilon_placement", "schedule", "weight_decay", "momentum"}
    scaling = getattr(data, "scaling", None) or "unit"
    return {
        "hidden layers": network.hidden,
        "optimizer": optimizer.name,
        "learning rate": optimizer.learning_rate,
        "place of ε": getattr(optimizer, "epsilon_placement", None),
        "other settings of the optimizer": optimizer.model_dump(exclude=told),
        "objective": network.objective,
        "classes": network.roles,
        "rate schedule": optimizer.schedule,
        "weight decay": optimizer.weight_decay,
        "momentum": getattr(optimizer, "momentum", 0.0),
        "activation": network.activation,
        "dropout": network.dropout,
        "initial weights": network.initial_weights,
        "batch size": training.batch_size,
        "early stopping": training.early_stopping,
        "data": data.model_copy(update={"scaling": scaling, "validation": data.validation or 0}),
    }


def _ensembles(
    context: Context, figure: PublishedFigure, networks: Sequence[str]
) -> dict[tuple[str, str], Ensemble]:
    found = {
        (network, split): gather(context.runs[network], split, figure.metric)
        for network, split in figure.curves
        if network in networks
    }
    return {key: ensemble for key, ensemble in found.items() if ensemble is not None}


def _verdict(
    compared: Sequence[tuple[PublishedFigure, Sequence[NetworkComparison]]],
    same: Sequence[str],
    context: Context,
) -> str:
    everything = [c for _, found in compared for c in found]
    said = [c for c in everything if c.comparison is not None]
    if not same:
        return "No network here has the published settings, so there is nothing to compare."
    if not said:
        low, high = context.seeds
        seeds = count(high, "seed") if low == high else f"{low} to {count(high, 'seed')}"
        return (
            f"No statement from {seeds}: whether a published run could be one of ours can be said "
            f"from {FEWEST_RUNS} seeds on."
        )
    inside = [c for c in said if not len(c.outside)]
    outside = list(dict.fromkeys(c.network for c in said if len(c.outside)))
    words = (
        f"**{len(inside)} of {len(said)}** published curves could be one more run of ours: they lie "
        f"within the 95% prediction band throughout."
    )
    if outside:
        words += f" Not so {listed([plain(n) for n in outside])}."
    return words


def _method(reading_error: float) -> str:
    return (
        "Published is one run a network, of unknown seed, read off printed figures. So the question "
        "is not whether it equals our mean, but whether it could be one more run: whether it lies "
        "in the 95% *prediction* band for one new run (t, simultaneous over all compared points by "
        f"Bonferroni's inequality, widened by {reading_error:g} for reading off the print). "
        "Networks trained for fewer steps are compared at the steps that both have. From few seeds "
        "the band is wide: to lie within it is then weak evidence of agreement."
    )


def _other_settings(other: dict[str, list[str]]) -> list[Block]:
    different = {name: reasons for name, reasons in other.items() if reasons}
    if not different:
        return []
    by_reason: dict[str, list[str]] = {}
    for name, reasons in different.items():
        by_reason.setdefault(listed(reasons), []).append(plain(name))
    return [
        Note(
            " ".join(
                f"{listed(names)} {'differ' if len(names) > 1 else 'differs'} from the published "
                f"network{'s' if len(names) > 1 else ''} in {plain(reasons)}."
                for reasons, names in by_reason.items()
            ),
            "Not compared",
        )
    ]


def _overview(
    compared: Sequence[tuple[PublishedFigure, Sequence[NetworkComparison]]],
) -> list[Block]:
    rows = []
    for figure, found in compared:
        said = [c for c in found if c.comparison is not None]
        inside = [c for c in said if not len(c.outside)]
        silent = [plain(c.network) for c in found if c.comparison is None]
        rows.append(
            (
                f"{figure.number}, {figure.title}",
                f"{len(inside)} of {len(said)}" if said else "–",
                listed([plain(_with_split(c)) for c in said if len(c.outside)]) or "–",
                listed(silent) or "–",
            )
        )
    if not rows:
        return []
    return [
        Table(
            "Figure by figure: how many published curves lie within our bands.",
            columns("figure", "within", "not within", f"fewer than {FEWEST_RUNS} seeds", left=4),
            tuple(rows),
        )
    ]


def _with_split(c: NetworkComparison) -> str:
    return c.network if c.split == "test" else f"{c.network} ({SPLITS[c.split]})"


def _figure_blocks(figure: PublishedFigure, found: Sequence[NetworkComparison]) -> list[Block]:
    picture = band_figure(figure, found, f"published-{figure.name.replace('_', '-')}")
    rows = tuple(_row(c, figure.metric) for c in found)
    table = Table(
        f"Figure {figure.number} ({figure.title}), network by network: "
        f"{CLASSIFICATION.metrics[figure.metric].title} at the last step that both have.",
        columns("network", "n", "step", "published", "ours", "points within", "verdict"),
        rows,
    )
    if picture is None:
        return [Heading(f"Figure {figure.number}: {figure.title}"), table]
    return [Pictures((picture,)), Details("Network by network", (table,))]


def _row(c: NetworkComparison, metric: str) -> tuple[str, ...]:
    if c.comparison is None:
        verdict = f"no statement from {count(c.n, 'seed')}"
        points = "–"
    else:
        points = f"{c.comparison.points_within} of {int(c.comparison.compared.sum())}"
        steps = [f"{step:,}" for step in c.outside]
        verdict = f"outside at {listed(steps, most=6)}" if steps else "within"
    return (
        plain(_with_split(c)),
        str(c.n),
        f"{int(c.steps[-1]):,}",
        number(c.published[-1], metric),
        number(c.mean[-1], metric),
        points,
        verdict,
    )


def _evaluations(context: Context, network: str | None, same: Sequence[str]) -> list[Evaluation]:
    if network is None or network not in same:
        return []
    return [evaluation for _, evaluation in context.evaluations(network)]


def _table_blocks(context: Context, facts: PublishedStudy, same: Sequence[str]) -> list[Block]:
    network = facts.table_network
    evaluations = _evaluations(context, network, same)
    if network is None or not evaluations:
        return []
    ours = {
        "accuracy": [e.accuracy for e in evaluations],
        "precision": [e.weighted.precision for e in evaluations],
        "recall": [e.weighted.recall for e in evaluations],
        "f1": [e.weighted.f1 for e in evaluations],
    }
    rows = []
    for name, values in ours.items():
        interval = t_interval(np.array(values))
        if name not in facts.table:
            continue
        rows.append(
            (
                "F1" if name == "f1" else name,
                f"{facts.table[name]:.4f}",
                with_interval(interval),
                f"{min(values):.4f} to {max(values):.4f}",
            )
        )
    steps = context.results.study.networks[network].training.steps
    shorter = (
        "" if steps == facts.settings[network].training.steps else f" Ours ended at step {steps:,}."
    )
    return [
        Heading(f"The table of {network}"),
        Table(
            f"Precision, recall and F1 weighted by class; ours over {count(len(evaluations), 'seed')}"
            f".{shorter}",
            columns("measure", "published", "ours", "our runs"),
            tuple(rows),
        ),
    ]


def _area_blocks(context: Context, facts: PublishedStudy, same: Sequence[str]) -> list[Block]:
    network = facts.areas_network
    evaluations = _evaluations(context, network, same)
    if not evaluations:
        return []
    corner = ("ours from hard labels",) if facts.areas_of_hard_labels else ()
    rows = []
    for index, name in enumerate(evaluations[0].class_names):
        areas = [e.roc.classes[index].area for e in evaluations]
        hard = [_corner_area(np.array(e.confusion), index) for e in evaluations]
        known = np.array([a for a in areas if a is not None])
        if name not in facts.areas or not len(known):
            continue
        interval = t_interval(known)
        half = float(interval.high - interval.low) / 2
        rows.append(
            (
                plain(name),
                f"{facts.areas[name]:.2f}",
                *([f"{np.mean(hard):.4f}"] if corner else []),
                f"{float(interval.mean):.5f}" + (f" ± {half:.5f}" if np.isfinite(half) else ""),
            )
        )
    return [
        Heading(f"The ROC areas of {network}"),
        *(
            [Note(facts.notes["hard_labels"], "Hard labels")]
            if "hard_labels" in facts.notes
            else []
        ),
        Table(
            f"Area under the ROC curve of each class; ours are means over "
            f"{count(len(evaluations), 'seed')}.",
            columns("class", "published", *corner, "ours from probabilities"),
            tuple(rows),
        ),
    ]


def _corner_area(confusion: np.ndarray, index: int) -> float:
    """(sensitivity + specificity) / 2 of one class: the area under a curve with one corner."""
    hit = confusion[index, index] / max(confusion[index].sum(), 1)
    others = np.delete(confusion, index, axis=0)
    return float((hit + 1 - others[:, index].sum() / max(others.sum(), 1)) / 2)
