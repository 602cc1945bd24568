"""`mlplab plan`: what a study will cost, and what of it is there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.commands import options
from mlplab.commands.studies import extent, read, runs_of

if TYPE_CHECKING:
    from mlplab.declarations.data_size import DataSize
    from mlplab.declarations.size import Size
    from mlplab.declarations.study import Study

MOST_ROWS = 50


def plan(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    out: options.OutOption = options.DEFAULT_OUT,
    device: options.DeviceOption = options.Device.auto,
    precision: options.PrecisionOption = options.Precision.float32,
) -> None:
    """Show what a study will cost, and what of it is there already.

    \b
    Examples:
      mlplab plan my-study.json
      mlplab plan report-2023 --seeds 3 --out elsewhere

    The time is estimated from a measurement of a few seconds on this machine. Nothing is
    downloaded or recorded.
    """
    wanted = read(study, networks, overrides, seeds)
    folder = out / wanted.name
    finished = _finished(wanted, folder, device, precision)
    sizes = _sizes(wanted)
    _print_networks(wanted, sizes, finished)
    there = sum(finished.values())
    print(f"\n{extent(wanted)}, {there:,} of {runs_of(wanted):,} finished in {folder}")
    if there < runs_of(wanted):
        _print_cost(wanted, sizes, finished, device, precision)


def _sizes(study: Study) -> Mapping[str, Size | None]:
    """Return each network's size; None where only the data could tell."""
    from mlplab.declarations.data_size import data_size
    from mlplab.declarations.size import size_of

    sizes: dict[str, Size | None] = {}
    known = {network.data: None for network in study.networks.values()}
    of_data = {data: data_size(data, study.folder)[0] for data in known}
    for name, network in study.networks.items():
        data = of_data[network.data]
        classes = network.outputs or data.classes
        complete = data.features is not None and classes is not None
        sizes[name] = size_of(network, data.features, classes) if complete else None
    return sizes


def _finished(study: Study, folder: Path, device: str, precision: str) -> Counter[str]:
    """Count what is finished, by network; only what is the same to the content counts."""
    from mlplab.records.database import DATABASE_FILE

    if not (folder / DATABASE_FILE).is_file():
        return Counter()
    from mlplab.commands.failure import complain
    from mlplab.records.database import reading
    from mlplab.runner.environment import resolve_device
    from mlplab.runner.run import present_runs
    from mlplab.runner.wanted import wanted_runs

    runs = wanted_runs(
        study, precision=str(precision), device=resolve_device(str(device)), announce=complain
    )
    with reading(folder) as connection:
        present = present_runs(connection, folder)
    return Counter(name for run in runs if run.key in present for name, _ in run.members)


def _print_networks(
    study: Study, sizes: Mapping[str, Size | None], finished: Mapping[str, int]
) -> None:
    from mlplab.commands.output import print_table, scaled

    def row(name: str) -> tuple[str, ...]:
        size, network = sizes[name], study.networks[name]
        return (
            name,
            "-".join(map(str, size.layers if size else network.hidden)),
            network.optimizer.name,
            f"{size.parameters:,}" if size else "?",
            scaled(size.training_flops, "FLOP") if size else "?",
            str(len(network.seeds)),
            str(finished.get(name) or ""),
        )

    names = list(study.networks)
    print_table(
        ("network", "layers", "optimizer", "parameters", "training, a seed", "seeds", "finished"),
        [row(name) for name in names[:MOST_ROWS]],
        texts=("layers", "optimizer"),
    )
    if len(names) > MOST_ROWS:
        print(f"({len(names) - MOST_ROWS:,} more networks)")


def _print_cost(
    study: Study,
    sizes: Mapping[str, Size | None],
    finished: Mapping[str, int],
    device: str,
    precision: str,
) -> None:
    from mlplab.commands.output import in_words, scaled
    from mlplab.declarations.data_size import data_size
    from mlplab.runner.environment import resolve_device
    from mlplab.runner.forecast import Planned, forecast

    if None in sizes.values():
        print("Time and disk cannot be told before the data have been read.")
        return
    rows = {
        data: _evaluated_rows(data_size(data, study.folder)[0])
        for data in {network.data for network in study.networks.values()}
    }
    planned = [
        Planned(network, size, len(network.seeds) - finished.get(name, 0), rows[network.data])
        for name, network in study.networks.items()
        if (size := sizes[name]) is not None and finished.get(name, 0) < len(network.seeds)
    ]
    cost = forecast(planned, device=resolve_device(str(device)), precision=str(precision))
    training = sum(one.training_flops for one in planned)
    evaluation = sum(one.evaluation_flops for one in planned)
    print(f"To do: {scaled(training, 'FLOP')} of training, {scaled(evaluation, 'FLOP')} of looking")
    print(f"Time:  about {in_words(cost.seconds)} ({precision}), and the report")
    print(f"Disk:  about {scaled(cost.disk_bytes, 'B')}")


def _evaluated_rows(data: DataSize) -> int:
    return (data.test_rows or 0) + (data.validation_rows or 0)
