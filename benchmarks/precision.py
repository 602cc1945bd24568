"""Does bfloat16 harm? Paired seeds, for each optimizer and depth of the report.

python -m benchmarks precision --seeds 30                     the report's 2,000 steps
python -m benchmarks precision --seeds 5 --steps 200          shortened

The difference in test accuracy at the last step, bfloat16 minus float32, with its 95% interval; the
deviation of float32 between seeds; and two one-sided tests whose margin is the larger of 0.1 points
and one such deviation. Where the machine has no fast bfloat16, operands are rounded to it and
multiplied in float32: the same products, so harmlessness can be measured there, slowly.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep
from benchmarks.job import Order
from mlplab.declarations.network import Network
from mlplab.statistics.intervals import t_interval
from mlplab.study import Study

BY_DEPTH = tuple(f"config{number}" for number in (1, 16, 2, 7, 8, 9, 3, 4, 5, 6))
"""Each optimizer with each of its depths: SGD, Adagrad, Adam, RMSprop."""
LEAST_MARGIN = 0.001
LEVEL = 0.05


@dataclass(frozen=True)
class Compared:
    """One network in both precisions; accuracies as shares."""

    network: str
    pairs: int
    """Seeds that diverged in neither."""
    diverged: tuple[int, int]
    """Seeds that diverged in float32, and in bfloat16."""
    float32: float
    difference: float
    low: float
    high: float
    deviation: float
    margin: float
    p_value: float

    @property
    def verdict(self) -> str:
        """In a word: what the interval and the test allow to say."""
        if self.diverged[1] > self.diverged[0]:
            return "harmful: more diverge"
        if self.p_value <= LEVEL:
            return "equivalent"
        return "harmful" if self.high < -self.margin else "inconclusive"


def compare(network: str, float32: np.ndarray, bfloat16: np.ndarray) -> Compared:
    """Compare final accuracies, (seed,) each in the same order, NaN where a network diverged."""
    difference = bfloat16 - float32
    interval = t_interval(difference)
    deviation = float(np.nanstd(float32, ddof=1))
    margin = max(LEAST_MARGIN, deviation)
    pairs = difference[~np.isnan(difference)]
    # Two one-sided tests (Schuirmann, 1987): the difference lies within the margin.
    above = stats.ttest_1samp(pairs, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(pairs, margin, alternative="less").pvalue
    return Compared(
        network=network,
        pairs=int(interval.n),
        diverged=(int(np.isnan(float32).sum()), int(np.isnan(bfloat16).sum())),
        float32=float(np.nanmean(float32)),
        difference=float(interval.mean),
        low=float(interval.low),
        high=float(interval.high),
        deviation=deviation,
        margin=margin,
        p_value=float(max(above, below)),
    )


def accuracies(order: Order, precision: str, runs: Path) -> dict[str, np.ndarray]:
    """Train in one precision; gives the final test accuracy of each network, (seed,).

    What is finished in `runs` is not trained again, so a broken-off measurement goes on.
    """
    study = order.job().study
    results = Study(study).run(runs / precision, device="cpu", precision=precision)
    values: dict[str, list[float]] = {}
    for run in results.runs:
        has_diverged = run.diverged_at is not None
        final = np.nan if has_diverged else float(run.curves["test", "accuracy"][-1])
        values.setdefault(run.network, []).append(final)
    return {name: np.array(own) for name, own in values.items()}


def findings(
    order: Order, compared: list[Compared], networks: Mapping[str, Network], load: str
) -> Findings:
    """The comparisons in words."""
    rows = [
        [
            c.network,
            networks[c.network].optimizer.name,
            str(len(networks[c.network].hidden) + 1),
            str(c.pairs),
            f"{100 * c.float32:.2f}",
            f"{100 * c.difference:+.3f} ({100 * c.low:+.3f} to {100 * c.high:+.3f})",
            f"{100 * c.deviation:.3f}",
            f"{100 * c.margin:.3f}",
            f"{c.p_value:.2g}",
            c.verdict,
        ]
        for c in compared
    ]
    columns = [
        "network", "optimizer", "layers", "pairs", "float32, %", "difference, points (95%)",
        "seed deviation", "margin", "p", "verdict",
    ]  # fmt: skip
    steps = next(iter(networks.values())).training.steps
    return Findings(
        name=f"precision-{steps}steps-{order.seeds}seeds",
        title="bfloat16 against float32",
        protocol=(
            f"{order.seeds} paired seeds, {steps:,} steps; test accuracy at the last step, bfloat16 "
            f"minus float32. Equivalent: two one-sided paired t tests at {LEVEL} with a margin of "
            "0.1 points or one seed-to-seed deviation of float32, whichever is larger. Harmful: the "
            "interval lies wholly below the margin. One test a network, not corrected for their "
            "number: every interval is shown."
        ),
        tables=[Table("Test accuracy", columns, rows)],
        data={"compared": [{**asdict(c), "verdict": c.verdict} for c in compared]},
        load_at_start=load,
    )


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("precision", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--networks", nargs="+", default=list(BY_DEPTH), metavar="NAME")
    parser.add_argument("--data", default="mnist", help="another known set, for a quick try")
    parser.add_argument("--runs", type=Path, default=Path("runs/precision"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    overrides = [f"training.steps={given.steps}"]
    if given.data != "mnist":
        overrides.append(f"data.name={given.data}")
    order = Order("report-2023", given.seeds, tuple(given.networks), tuple(overrides))
    both = [accuracies(order, precision, given.runs) for precision in ("float32", "bfloat16")]
    compared = [compare(name, both[0][name], both[1][name]) for name in given.networks]
    keep(findings(order, compared, order.job().study.networks, load), given.out)
