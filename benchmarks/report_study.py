"""The 2023 report's sixteen networks: mlplab against what its users would otherwise do.

python -m benchmarks report_study                        shortened to a tenth
python -m benchmarks report_study --full                 2,000 steps, as the report
python -m benchmarks report_study --full --seeds 10 --contenders mlplab mlplab-bfloat16
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.alternating import Measured, by_turns
from benchmarks.contenders import CONTENDERS, OF_ANY_SHAPE
from benchmarks.findings import RESULTS, Findings, Table, keep, shown, spread
from benchmarks.job import Order

STUDY = "report-2023"
FULL_STEPS = 2000
SHORT_STEPS = 200
ROBUST = ("config2", "config3", "config10", "config11", "config12", "config13")
"""Networks that learn wherever ε stands."""
FOR_MANY = ("jax-vmap", "jax-vmap-processes")
"""Take part when they are named: with few seeds their stacks are of one network."""
LEAST_ACCURACY = {2000: 0.97, 500: 0.94, 200: 0.9, 100: 0.85}
"""What each of them reaches in so many steps on MNIST, with room for an unlucky seed."""


def insane(measured: Measured, steps: int) -> list[str]:
    """What is wrong with what a contender shows of its networks; nothing if it did the work."""
    complaints = []
    floor = next((least for at, least in LEAST_ACCURACY.items() if steps >= at), 0.0)
    for ended in measured["ended"]:
        name = f"{ended['name']}, seed {ended['seed']}"
        if ended["evaluations"] != measured["evaluations"]:
            complaints.append(f"{name} was evaluated {ended['evaluations']} times")
        if not 0 <= ended["accuracy"] <= 1 or ended["loss"] != ended["loss"]:
            complaints.append(f"{name} ended at {ended['accuracy']} and a loss of {ended['loss']}")
        elif ended["name"] in ROBUST and ended["accuracy"] < floor:
            complaints.append(f"{name} reached {ended['accuracy']:.4f}, less than {floor}")
    if len({(e["name"], e["seed"]) for e in measured["ended"]}) != len(measured["ended"]):
        complaints.append("a network is shown twice")
    return complaints


def findings(
    order: Order,
    steps: int,
    measured: Mapping[str, Sequence[Measured]],
    limits: Mapping[str, float],
    load: str,
    earlier: Mapping[int, Mapping[str, float]],
) -> Findings:
    """All measurements of one number of seeds in words.

    earlier: the median seconds of each contender for the numbers of seeds before this one.
    """
    present = {name: own for name, own in measured.items() if "seconds" in own[0]}
    skipped = {name: own[-1]["skipped"] for name, own in measured.items() if "skipped" in own[-1]}
    wrong = {
        name: complaints
        for name, own in present.items()
        if (complaints := [c for m in own if "seconds" in m for c in insane(m, steps)])
    }
    largest = max((m["flops"] for own in present.values() for m in own if "flops" in m), default=0)
    if not largest:
        raise SystemExit(f"nobody could be measured: {skipped}")
    doubts = [f"{CONTENDERS[name].title}: {'; '.join(c[:5])}" for name, c in wrong.items()]
    note = " ".join(
        [
            *(f"Not measured: {CONTENDERS[name].title} ({why})." for name, why in skipped.items()),
            "NOT SANE, so not to be counted: " + ". ".join(doubts) + "."
            if doubts
            else "Every network of every contender was evaluated as often as the protocol says, "
            "and those that learn wherever ε stands reached what they must.",
        ]
    )
    limit_text = ", ".join(f"{name} {rate / 1e9:,.0f} GFLOP/s" for name, rate in limits.items())
    return Findings(
        name=f"report_study-{steps}steps-{order.seeds}seeds",
        title=f"The report's study, {steps:,} steps, {order.seeds} seed(s)",
        protocol=(
            f"{largest / 1e12:.2f} TFLOP of products in training (batch 256) and in evaluation of "
            "all test rows every 100 steps and all training rows at the end, from the same initial "
            "weights. Each measurement in a "
            "process of its own, contenders by turns. torch has ε outside the root in RMSprop and "
            "Adagrad, the study inside: the same arithmetic, other values for deep networks. "
            f"mlplab's time includes its records. Best large product: {limit_text}."
        ),
        tables=[
            _seconds_table(present, limits, largest, note),
            *_ratio_tables(
                {name: own for name, own in present.items() if name not in wrong},
                largest,
                order.seeds,
                earlier,
            ),
            _apart_table(present),
            _accuracy_table(present),
        ],
        data={"order": vars(order), "measured": measured, "limits": limits, "insane": wrong},
        load_at_start=load,
    )


def _seconds(own: Sequence[Measured]) -> list[float]:
    return [m["seconds"] for m in own if "seconds" in m]


def _seconds_table(
    present: Mapping[str, Sequence[Measured]],
    limits: Mapping[str, float],
    largest: int,
    note: str,
) -> Table:
    base = "mlplab" if "mlplab" in present else next(iter(present))
    base_rate = present[base][0]["flops"] / median(_seconds(present[base]))
    rows = []
    for name, own in present.items():
        flops, seconds = own[0]["flops"], _seconds(own)
        rate = flops / median(seconds)
        limit = limits.get(CONTENDERS[name].precision)
        whole = "" if flops == largest else f" [{len(own[0]['ended'])} networks]"
        rows.append(
            [
                CONTENDERS[name].title + whole,
                spread(seconds),
                shown(rate / 1e9),
                f"{rate / limit:.0%}" if limit else "-",
                f"{base_rate / rate:.2f}",
            ]
        )
    columns = [
        "who",
        "seconds, median (range)",
        "GFLOP/s",
        "of the product limit",
        f"time a FLOP, {base} = 1",
    ]
    return Table("Training and evaluation", columns, rows, note)


def _ratio_tables(
    present: Mapping[str, Sequence[Measured]],
    largest: int,
    seeds: int,
    earlier: Mapping[int, Mapping[str, float]],
) -> list[Table]:
    """mlplab's time as a share of others', among those that trained every network."""
    whole = {n: median(_seconds(own)) for n, own in present.items() if own[0]["flops"] == largest}
    rows = []
    for name in (name for name in whole if name.startswith("mlplab")):
        own_precision = CONTENDERS[name].precision
        peers = {
            peer: seconds
            for peer, seconds in whole.items()
            if not peer.startswith("mlplab")
            and (own_precision == "bfloat16" or CONTENDERS[peer].precision == "float32")
        }
        title = CONTENDERS[name].title
        if "usual" in peers:
            rows.append([title, CONTENDERS["usual"].title, f"{whole[name] / peers['usual']:.2f}"])
        if peers:
            best = min(peers, key=lambda peer: peers[peer])
            strongest = f"the strongest peer: {CONTENDERS[best].title}"
            rows.append([title, strongest, f"{whole[name] / peers[best]:.2f}"])
        for count, medians in earlier.items():
            if name in medians:
                itself = f"itself with {count} seed(s) instead of {seeds}"
                rows.append([title, itself, f"{whole[name] / medians[name]:.2f}"])
    note = "float32 is held against float32 only, bfloat16 against all."
    return [Table("Time as a share", ["of", "against", "share"], rows, note)] if rows else []


def _apart_table(present: Mapping[str, Sequence[Measured]]) -> Table:
    rows = []
    for name, own in present.items():
        done = [m for m in own if "seconds" in m]
        start_up, loading = (median(m[kind] for m in done) for kind in ("start_up", "loading"))
        first = median(m["first_use"]["seconds"] for m in done)
        planning = _apart(done, "planning")
        cold = start_up + loading + first + planning + median(_seconds(own))
        reports = _apart([m["first_use"] for m in done], "report"), _apart(done, "report")
        seconds = start_up, loading, first, planning, cold, *reports
        rows.append([CONTENDERS[name].title, *(shown(s) if s else "-" for s in seconds)])
    columns = [
        "who", "start-up", "loading", "first two steps", "planning", "cold, all", "report, cold",
        "report, warm",
    ]  # fmt: skip
    note = (
        "Seconds, medians. “Cold, all” is a new process with everything but the report: its first "
        "two steps of every network, with an evaluation, pay for what is compiled, chosen or kept "
        "at first use. The table above is warm."
    )
    return Table("Told apart", columns, rows, note)


def _apart(measured: Sequence[Measured], name: str) -> float:
    return median(m["apart"].get(name, 0.0) for m in measured)


def _accuracy_table(present: Mapping[str, Sequence[Measured]]) -> Table:
    names = list(dict.fromkeys(e["name"] for own in present.values() for e in own[0]["ended"]))
    rows = []
    for network in names:
        cells = []
        for own in present.values():
            values = [e["accuracy"] for e in own[0]["ended"] if e["name"] == network]
            cells.append(f"{sum(values) / len(values):.4f}" if values else "-")
        rows.append([network, *cells])
    return Table("Test accuracy at the end, mean over seeds", ["network", *present], rows)


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("report_study", description=__doc__.splitlines()[0])
    usual = [name for name in OF_ANY_SHAPE if name not in FOR_MANY]
    parser.add_argument("--steps", type=int, default=SHORT_STEPS)
    parser.add_argument("--full", action="store_true", help=f"{FULL_STEPS} steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="one study for each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--contenders", nargs="+", choices=OF_ANY_SHAPE, default=usual, metavar="NAME"
    )
    parser.add_argument("--networks", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--data", default="mnist", help="another known set, for a quick try")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    steps = FULL_STEPS if given.full else given.steps
    overrides = [f"training.steps={steps}"]
    if given.data != "mnist":
        overrides.append(f"data.name={given.data}")
    load = machine.load()
    earlier: dict[int, dict[str, float]] = {}
    for seeds in given.seeds:
        order = Order(STUDY, seeds, tuple(given.networks), tuple(overrides))
        before = machine.product_limits()
        measured = by_turns(order, given.contenders, given.repeats)
        after = machine.product_limits()
        limits = {name: max(rate, after[name]) for name, rate in before.items()}
        keep(findings(order, steps, measured, limits, load, earlier), given.out)
        earlier[seeds] = {
            name: median(_seconds(own)) for name, own in measured.items() if _seconds(own)
        }
