"""Our runs against the numbers of a published study, and where that study went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlplab.declarations.data import KnownData
from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.network import Network
from mlplab.declarations.objective import CrossEntropy
from mlplab.figures.against_published import NetworkComparison, band_figure, compare
from mlplab.figures.ensemble import Ensemble, gather
from mlplab.figures.published import PublishedFigure, PublishedSettings, PublishedStudy
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
from mlplab.words import METRICS, SPLITS, count, listed, number, with_interval

_PLACEMENTS = {"adam": "before_correction", "rmsprop": "inside_root", "adagrad": "inside_root"}
_COMPARED_ALONE = {
    "learning_rate",
    "epsilon_placement",
    "schedule",
    "weight_decay",
    "momentum",
}
"""The other settings were left at their defaults by the report, which are those here."""
_UNIFORM = 0.05


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
    blocks.append(Paragraph(_method()))
    blocks += _overview(compared)
    for figure, found in compared:
        blocks += _figure_blocks(figure, found)
    blocks += _table_blocks(context, facts, same)
    blocks += _area_blocks(context, facts, same)
    blocks += [Heading("Where the report went wrong"), Bullets(MISTAKES)]
    return Chapter("published", "Against the published numbers", tuple(blocks))


def differences(network: Network, published: PublishedSettings) -> list[str]:
    """In what a network is another one than the published one; its number of steps aside."""
    optimizer, weights, data = network.optimizer, network.initial_weights, network.data
    wanted = _PLACEMENTS.get(published.optimizer)
    checks = {
        "hidden layers": network.hidden == published.hidden,
        "optimizer": optimizer.name == published.optimizer,
        "learning rate": np.isclose(optimizer.learning_rate, published.learning_rate),
        "place of ε": wanted is None or getattr(optimizer, "epsilon_placement", None) == wanted,
        "other settings of the optimizer": optimizer.model_dump(exclude=_COMPARED_ALONE)
        == type(optimizer)(name=optimizer.name, learning_rate=1).model_dump(  # type: ignore[arg-type]
            exclude=_COMPARED_ALONE
        ),
        "objective": isinstance(network.objective, CrossEntropy),
        "classes": network.roles is None,
        "rate schedule": optimizer.schedule.name == "constant"
        and not optimizer.schedule.warmup_steps,
        "weight decay": optimizer.weight_decay == 0,
        "momentum": getattr(optimizer, "momentum", 0.0) == 0,
        "activation": network.activation == "relu",
        "dropout": network.dropout == 0,
        "initial weights": isinstance(weights, Uniform)
        and (weights.low, weights.high) == (-_UNIFORM, _UNIFORM),
        "batch size": network.training.batch_size == published.batch_size,
        "early stopping": network.training.early_stopping is None,
        "data": isinstance(data, KnownData)
        and data.name == "mnist"
        and data.classes is None
        and not data.validation
        and data.scaling in (None, "unit"),
    }
    return [name for name, agrees in checks.items() if not agrees]


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


def _method() -> str:
    return (
        "Published is one run a network, of unknown seed, read off printed figures. So the question "
        "is not whether it equals our mean, but whether it could be one more run: whether it lies "
        "in the 95% *prediction* band for one new run (t, simultaneous over all compared points by "
        "Bonferroni's inequality, widened by 0.002 for reading off the print). Networks trained for "
        "fewer steps are compared at the steps that both have. From few seeds the band is wide: to "
        "lie within it is then weak evidence of agreement."
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
        f"{METRICS[figure.metric]} at the last step that both have.",
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


def _table_blocks(context: Context, facts: PublishedStudy, same: Sequence[str]) -> list[Block]:
    network = facts.table_network
    evaluations = [e for _, e in context.evaluations(network)] if network in same else []
    if not evaluations:
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
        rows.append(
            (
                "F1" if name == "f1" else name,
                f"{facts.table[name]:.4f}",
                with_interval(interval),
                f"{min(values):.4f} to {max(values):.4f}",
            )
        )
    steps = context.results.study.networks[network].training.steps
    shorter = "" if steps == facts.settings[network].steps else f" Ours ended at step {steps:,}."
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
    network = facts.table_network
    evaluations = [e for _, e in context.evaluations(network)] if network in same else []
    if not evaluations:
        return []
    rows = []
    for index, name in enumerate(evaluations[0].class_names):
        areas = [e.roc.classes[index].area for e in evaluations]
        hard = [_corner_area(np.array(e.confusion), index) for e in evaluations]
        known = np.array([a for a in areas if a is not None])
        if name not in facts.corner_areas or not len(known):
            continue
        interval = t_interval(known)
        half = float(interval.high - interval.low) / 2
        rows.append(
            (
                plain(name),
                f"{facts.corner_areas[name]:.2f}",
                f"{np.mean(hard):.4f}",
                f"{float(interval.mean):.5f}" + (f" ± {half:.5f}" if np.isfinite(half) else ""),
            )
        )
    return [
        Heading(f"The ROC areas of {network}"),
        Note(
            "The report drew its ROC curves from hard labels. Such a curve has a single corner, and "
            "its area is only the mean of sensitivity and specificity at one threshold. The third "
            "column is that same quantity here; the last is the area from probabilities, which is "
            "what a ROC area usually means.",
            "One corner only",
        ),
        Table(
            f"Area under the ROC curve of each class; ours are means over "
            f"{count(len(evaluations), 'seed')}.",
            columns("class", "published", "ours from hard labels", "ours from probabilities"),
            tuple(rows),
        ),
    ]


def _corner_area(confusion: np.ndarray, index: int) -> float:
    """(sensitivity + specificity) / 2 of one class: the area under a curve with one corner."""
    hit = confusion[index, index] / max(confusion[index].sum(), 1)
    others = np.delete(confusion, index, axis=0)
    return float((hit + 1 - others[:, index].sum() / max(others.sum(), 1)) / 2)


MISTAKES = (
    "**Its loss is not the loss.** Cross-entropy was applied to an output that had already been "
    "through softmax. Such a loss begins near 2.30 and, with ten classes, cannot fall below 1.4612, "
    "so its curves flatten whatever the network does. Here the published curves are held against "
    "the same quantity (`softmaxed_loss`), and the real loss stands beside it.",
    "**Its ROC curves have one corner,** since they were drawn from hard labels rather than "
    "probabilities.",
    "**One run a network.** Several of its rankings are smaller than what another seed changes; the "
    "ten-layer RMSprop network (config6) leaves its plateau anywhere between steps 600 and 1,500.",
    "**Each optimizer had one guessed learning rate** (SGD 0.1, Adagrad 0.01, Adam and RMSprop "
    "0.001), so its comparison of optimizers is one of these guesses.",
    "**The network was chosen on the test set,** which makes the accuracy of the chosen one too "
    "good.",
    "**Depth, or ε?** Weights that begin this small leave a deep network with tiny gradients, and "
    "an ε of 1e-7 *inside* the root (Keras' RMSprop) then damps every step hundreds of times. That "
    "more layers learn more slowly, and that Adam beats RMSprop in depth, is mostly this: with ε "
    "outside the root the ten-layer network learns at once. The study `epsilon` shows it.",
)
