"""What a reader should know of a study though it is no error; `check`, `plan` and `run` print it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlplab.declarations.checking.open_set_checks import open_set_notes
from mlplab.declarations.problems import listed
from mlplab.declarations.resolving.data_size import DataSize
from mlplab.declarations.study import Study


def study_notes(study: Study, sizes: Mapping[str, DataSize]) -> tuple[str, ...]:
    """All notes of a study without problems. sizes: of the data of each network."""
    return (*_output_notes(study, sizes), *_twin_notes(study), *open_set_notes(study))


def _output_notes(study: Study, sizes: Mapping[str, DataSize]) -> Iterator[str]:
    by_count: dict[tuple[int, int], list[str]] = {}
    for name, network in study.networks.items():
        classes = sizes[name].classes
        if network.outputs is not None and classes and network.outputs > classes:
            by_count.setdefault((network.outputs, classes), []).append(name)
    for (outputs, classes), names in by_count.items():
        yield (
            f"{listed(names, limit=6)} {'has' if len(names) == 1 else 'have'} {outputs} outputs "
            f"for {classes} classes; the outputs to spare are never right."
        )


def _twin_notes(study: Study) -> Iterator[str]:
    twins: dict[str, list[str]] = {}
    for name, network in study.networks.items():
        twins.setdefault(network.model_dump_json(), []).append(name)
    for names in twins.values():
        if len(names) > 1:
            yield (
                f"{listed(names, limit=6)} are the same network in every setting and seed; "
                "it is trained once."
            )
