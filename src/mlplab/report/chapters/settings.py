"""Every setting of every network."""

from __future__ import annotations

from mlplab.declarations.network import Network
from mlplab.declarations.task import METRICS
from mlplab.report import wording
from mlplab.report.context import MOST_ROWS, Context
from mlplab.report.document import Bullets, Chapter, Paragraph, Table, columns, plain
from mlplab.words import count


def chapter(context: Context) -> Chapter:
    """What all networks share, as a list; what differs, as a table."""
    networks = context.results.study.networks
    parameters = _parameters(context)
    described = {name: _aspects(network) for name, network in networks.items()}
    if any(network.roles is not None for network in networks.values()):
        for name, network in networks.items():
            described[name]["classes"] = wording.classes(network)
    first = next(iter(described.values()))
    differing = [k for k in first if len({d[k] for d in described.values()}) > 1]
    shared = Bullets(tuple(f"{k}: {plain(v)}" for k, v in first.items() if k not in differing))
    if len(networks) == 1:
        return Chapter("settings", "Settings", (shared,))
    shown, caption = list(networks)[:MOST_ROWS], "What differs."
    if len(networks) > MOST_ROWS:
        caption += (
            f" The first {MOST_ROWS} of {count(len(networks), 'network')}; the records and "
            "`mlplab export` have all."
        )
    heads = columns("network", *differing, "parameters", left=1 + len(differing))
    rows = tuple(
        (
            plain(name),
            *(plain(described[name][k]) for k in differing),
            f"{parameters[name]:,}" if name in parameters else "–",
        )
        for name in shown
    )
    table = Table(caption, heads, rows, sortable=True)
    return Chapter("settings", "Settings", (Paragraph("All networks share:"), shared, table))


def _parameters(context: Context) -> dict[str, int]:
    known = context.summary.dropna(subset=["parameters"])
    return {str(k): int(v) for k, v in known.groupby("network")["parameters"].first().items()}


def _aspects(network: Network) -> dict[str, str]:
    training, data = network.training, network.data
    stopping, validation = training.early_stopping, data.validation or 0
    part = f"{validation:,} rows"
    if isinstance(validation, float):
        part = f"{validation:.0%} of the training rows"
    return {
        "hidden layers": wording.hidden(network),
        "activation": network.activation,
        "normalization": network.normalization or "none",
        "residuals": wording.residual(network),
        "input scale": "learned" if network.input_scale else "none",
        "optimizer": wording.optimizer(network),
        "initial weights": wording.initial_weights(network),
        "dropout": f"{network.dropout:g}" if network.dropout else "none",
        "objective": wording.objective(network),
        "training": wording.batch(network),
        "evaluated every": f"{training.evaluate_every:,} steps",
        "early stopping": (
            f"validation {METRICS[stopping.metric].title}, patience {stopping.patience}"
            if stopping
            else "none"
        ),
        "data": wording.data_title(network),
        "validation part": part if validation else "none",
        "scaling": wording.scaling(network),
        "seeds": _seeds(network.seeds),
    }


def _seeds(seeds: tuple[int, ...]) -> str:
    if seeds == tuple(range(len(seeds))) and len(seeds) > 1:
        return f"0 to {len(seeds) - 1}"
    return ", ".join(map(str, seeds))
