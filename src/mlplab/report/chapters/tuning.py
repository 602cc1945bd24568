"""What was tuned before the study was run: sensitivity, choices, and their cost."""

from __future__ import annotations

from collections.abc import Iterator

from mlplab.analysis.tuning import (
    CLOSE_POINTS,
    CLOSE_RATIO,
    FEWEST_FOR_INTERVAL,
    NetworkTuning,
    TrialOutcome,
    TuningOutcome,
)
from mlplab.declarations.resolving.factor import in_words
from mlplab.declarations.resolving.grid import readable
from mlplab.declarations.task import METRICS
from mlplab.figures.metric_titles import titles_of
from mlplab.figures.tuning import sensitivity_figures
from mlplab.report.context import MOST_ROWS, Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.report.wording import OPTIMIZERS
from mlplab.words import count, flops, from_to, listed, number, with_interval


def chapter(context: Context) -> Chapter | None:
    """None for a study that tunes nothing, or whose trials are not at hand."""
    tuning = context.tuning
    if tuning is None or not tuning.is_complete:
        return None
    blocks: list[Block] = [Paragraph(_what_was_done(context, tuning), lead=True)]
    if sensitive := _most_sensitive(tuning):
        blocks.append(Paragraph(sensitive))
    if warnings := (*_edges(tuning), *_lost(tuning)):
        blocks.append(Bullets(warnings))
    for path in tuning.paths:
        figures = sensitivity_figures(tuning, path)
        blocks.append(Pictures(tuple(figures), small=len(figures) > 1))
    blocks.append(_table(tuning))
    blocks.append(
        Note(
            f"The trials had seeds of their own ({_seeds(tuning)}), and validation rows alone "
            "decided. So neither the seeds nor the test rows on which the networks are judged had "
            "a part in the choice.",
            "What the choice has seen",
        )
    )
    return Chapter("tuning", "Tuning", tuple(blocks))


def _what_was_done(context: Context, tuning: TuningOutcome) -> str:
    tune, rounds = tuning.tune, tuning.rounds
    tried = listed([f"**{in_words(path)}**" for path in tuning.paths])
    networks = len(tuning.networks)
    whose = "Each network" if networks > 1 else f"The network {plain(tuning.networks[0].network)}"
    words = (
        f"{whose} had its {tried} tuned before it was run, "
        f"{'all with the same trials: ' if networks > 1 else 'by '}"
        f"{count(rounds[0].settings, 'setting')} × {count(len(tune.all_seeds), 'seed')}"
    )
    if len(rounds) > 1:
        halved = [f"{r.settings} for {r.steps:,} steps" for r in rounds]
        words += f", by successive halving ({listed(halved)})."
    else:
        steps = from_to([trial.declared.training.steps for trial in tuning.trials])
        words += f" × {steps} steps{', drawn at random' if tune.search == 'random' else ''}."
    words += f" The best mean validation {METRICS[tune.metric].title} was taken. "
    return words + _cost(context, tuning)


def _cost(context: Context, tuning: TuningOutcome) -> str:
    training = float(context.summary["training_flops"].dropna().sum())
    share = tuning.flops / (training + tuning.flops) if training else 1.0
    return (
        f"It cost {flops(tuning.flops)} and {number(tuning.seconds, 'seconds')} s of training, "
        f"{share:.0%} of all that was done for this study."
    )


def _most_sensitive(tuning: TuningOutcome) -> str:
    """Which optimizer depends most on what was tuned; empty where there is only one."""
    shares: dict[str, list[float]] = {}
    for network in tuning.networks:
        optimizer = tuning.study.networks[network.network].optimizer.name
        shares.setdefault(optimizer, []).append(network.fraction_close)
    means = {name: sum(its) / len(its) for name, its in shares.items()}
    if len(means) < 2:
        return ""
    tried = tuning.settings_tried
    margin = (
        f"{100 * CLOSE_POINTS:g} points of"
        if METRICS[tuning.tune.metric].is_fraction
        else f"{CLOSE_RATIO:.0%} of the {titles_of(tuning.study.task)[tuning.tune.metric]} of"
    )

    def told(share: float) -> str:
        return "; ".join(
            f"**{OPTIMIZERS[name]}** ({share * tried:.2g} of {tried})"
            for name, its in means.items()
            if its == share
        )

    least, most = min(means.values()), max(means.values())
    meaning = (
        f"by how many of the {tried} settings come within {margin} a network's best, on average "
        "over its networks"
    )
    if least == most:
        return f"All optimizers are equally sensitive, {meaning}: {least * tried:.2g} of {tried}."
    return f"Most sensitive, {meaning}: {told(least)}; least: {told(most)}."


def _edges(tuning: TuningOutcome) -> Iterator[str]:
    for path in tuning.paths:
        names = [n.network for n in tuning.networks if path in n.at_edge]
        if names:
            yield (
                f"**At the edge of the space:** the chosen {in_words(path)} of "
                f"{listed([plain(name) for name in names], most=6)} is the lowest or highest that "
                "was tried, so a better one may lie outside."
            )


def _lost(tuning: TuningOutcome) -> Iterator[str]:
    for network in tuning.networks:
        if network.chosen is not None and not network.chosen.is_usable:
            yield (
                f"**{plain(network.network)} was not tuned:** at every setting a seed diverged or "
                "could not be trained, so the first was taken."
            )


def _table(tuning: TuningOutcome) -> Table:
    shown, seeds = tuning.networks[:MOST_ROWS], len(tuning.tune.all_seeds)
    caption = (
        f"What was chosen. Validation {tuning.tune.metric}: mean"
        f"{' and 95% t interval' if seeds >= FEWEST_FOR_INTERVAL else ''} of "
        f"{count(seeds, 'tuning seed')}. Close: settings nearly as good. "
        "Lost: settings at which a seed diverged or could not be trained. Cost: of all trials of "
        "the network."
    )
    if len(shown) < len(tuning.networks):
        caption += f" The first {len(shown)} of {count(len(tuning.networks), 'network')}."
    paths = [in_words(path) for path in tuning.paths]
    heads = columns(
        "network", "optimizer", *paths, f"validation {METRICS[tuning.tune.metric].title}", "close", "lost",
        "training", "seconds", left=2,
    )  # fmt: skip
    return Table(caption, heads, tuple(_row(tuning, n) for n in shown), sortable=True)


def _row(tuning: TuningOutcome, network: NetworkTuning) -> tuple[str, ...]:
    chosen = network.chosen
    assert chosen is not None
    tried = tuning.settings_tried
    values = [
        plain(readable((path,), chosen.trial.settings[path]))
        + (" (edge)" if path in network.at_edge else "")
        for path in tuning.paths
    ]
    lost = sum(not outcome.is_usable for outcome in network.outcomes)
    return (
        plain(network.network),
        OPTIMIZERS[tuning.study.networks[network.network].optimizer.name],
        *values,
        (_score(chosen) if chosen.is_usable else "–"),
        f"{network.fraction_close * tried:.0f} of {tried}",
        str(lost) if lost else "",
        flops(network.flops),
        number(network.seconds, "seconds"),
    )


def _score(chosen: TrialOutcome) -> str:
    if len(chosen.scores) < FEWEST_FOR_INTERVAL:
        return number(float(chosen.mean.mean))
    return with_interval(chosen.mean)


def _seeds(tuning: TuningOutcome) -> str:
    return listed([str(seed) for seed in tuning.tune.all_seeds], most=5)
