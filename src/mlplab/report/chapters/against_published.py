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
from mlplab.words import (
    SPLITS,
    by_count,
    count,
    listed,
    number,
    with_interval,
    with_limits,
)

_Compared = Sequence[tuple[PublishedFigure, Sequence[NetworkComparison]]]


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
        (figure, found)
        for figure in facts.figures.values()
        if (found := compare(figure, _ensembles(context, figure, same)))
    ]
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


def _verdict(compared: _Compared, same: Sequence[str], context: Context) -> str:
    everything = [c for _, found in compared for c in found]
    said = [c for c in everything if c.comparison is not None]
    if not same:
        return "No network here has the published settings, so there is nothing to compare."
    if not said:
        return (
            f"No statement from {context.seeds_in_words}: whether a published run could be one of "
            f"ours can be said from {FEWEST_RUNS} seeds on."
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
    by_reason: dict[str, list[str]] = {}
    for name, reasons in other.items():
        if reasons:
            by_reason.setdefault(listed(reasons), []).append(plain(name))
    if not by_reason:
        return []
    one = "{names} differs from the published network in {reasons}."
    many = "{names} differ from the published networks in {reasons}."
    told = [
        by_count(len(names), one, many, names=listed(names), reasons=plain(reasons))
        for reasons, names in by_reason.items()
    ]
    return [Note(" ".join(told), "Not compared")]


def _overview(compared: _Compared) -> list[Block]:
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
    caption = "Figure by figure: how many published curves lie within our bands."
    heads = columns("figure", "within", "not within", f"fewer than {FEWEST_RUNS} seeds", left=4)
    return [Table(caption, heads, tuple(rows))] if rows else []


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
        points = f"{int(c.comparison.within.sum())} of {int(c.comparison.compared.sum())}"
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


def _evaluations(context: Context, network: str, same: Sequence[str]) -> list[Evaluation]:
    return [e for _, e in context.evaluations(network)] if network in same else []


def _table_blocks(context: Context, facts: PublishedStudy, same: Sequence[str]) -> list[Block]:
    table = facts.table
    evaluations = _evaluations(context, table.network, same) if table else []
    if table is None or not evaluations:
        return []
    rows = []
    for name in ("accuracy", "precision", "recall", "f1"):
        if name in table.values:
            values = [e.accuracy if name == "accuracy" else getattr(e.weighted, name)
                      for e in evaluations]  # fmt: skip
            rows.append(
                (
                    "F1" if name == "f1" else name,
                    f"{table.values[name]:.4f}",
                    with_interval(t_interval(np.array(values))),
                    f"{min(values):.4f} to {max(values):.4f}",
                )
            )
    steps = context.results.study.networks[table.network].training.steps
    is_whole = steps == facts.settings[table.network].training.steps
    caption = (
        "Precision, recall and F1 weighted by class; ours over "
        f"{count(len(evaluations), 'seed')}.{'' if is_whole else f' Ours ended at step {steps:,}.'}"
    )
    heads = columns("measure", "published", "ours", "our runs")
    return [Heading(f"The table of {table.network}"), Table(caption, heads, tuple(rows))]


def _area_blocks(context: Context, facts: PublishedStudy, same: Sequence[str]) -> list[Block]:
    published = facts.roc_areas
    evaluations = _evaluations(context, published.network, same) if published else []
    if published is None or not evaluations:
        return []
    corner = ("ours from hard labels",) if published.hard_labels else ()
    rows = []
    for index, name in enumerate(evaluations[0].class_names):
        areas = [e.areas.classes[index] for e in evaluations]
        hard = [_corner_area(e.counts.toarray(), index) for e in evaluations]
        known = np.array([a for a in areas if a is not None])
        if name in published.areas and len(known):
            cells = [f"{np.mean(hard):.4f}"] if corner else []
            cells.append(with_limits(t_interval(known), 5, (0, 1)))
            rows.append((plain(name), f"{published.areas[name]:.2f}", *cells))
    caption = (
        "Area under the ROC curve of each class; ours are means over "
        f"{count(len(evaluations), 'seed')}."
    )
    heads = columns("class", "published", *corner, "ours from probabilities")
    told = facts.notes.get("hard_labels")
    return [
        Heading(f"The ROC areas of {published.network}"),
        *([Note(told, "Hard labels")] if told else []),
        Table(caption, heads, tuple(rows)),
    ]


def _corner_area(confusion: np.ndarray, index: int) -> float:
    """(sensitivity + specificity) / 2 of one class: the area under a curve with one corner."""
    hit = confusion[index, index] / max(confusion[index].sum(), 1)
    others = np.delete(confusion, index, axis=0)
    return float((hit + 1 - others[:, index].sum() / max(others.sum(), 1)) / 2)
