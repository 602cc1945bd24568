"""Networks that are run by name, beside others of the same study that the folder holds already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlplab.declarations.network import Network
from mlplab.declarations.problems import BadInput, Problem, quoted
from mlplab.declarations.resolving.tuning_trials import with_chosen
from mlplab.declarations.study import Study


def joined(wanted: Study, folder: Path, read: Callable[[list[str]], Study]) -> Study:
    """Return the study of the networks that are wanted and of those that the folder holds.

    The report of all networks would otherwise be replaced by that of a few.

    Args:
        read: reads the study's file with the networks of these names.

    Raises:
        BadInput: the folder holds other networks, or these with other settings than they have now.
    """
    from mlplab.records.database import has_records, reading
    from mlplab.records.studies import has_begun, read_study

    if not has_records(folder):
        return wanted
    with reading(folder) as connection:
        if not has_begun(connection):
            return wanted
        recorded = read_study(connection, folder).study
    others = [name for name in _declared(recorded) if name not in _declared(wanted)]
    if not others:
        return wanted
    try:
        whole = read([*_declared(wanted), *others])
    except BadInput as error:
        raise _other_study(folder, others) from error
    # What tuning chose is not in the file.
    as_run = with_chosen(whole, {n: s for n, s in recorded.tuned.items() if n in whole.networks})
    networks = dict(whole.networks)
    for name, before in recorded.networks.items():
        now = networks.get(name)
        if now is None or _settings(as_run.networks[name]) != _settings(before):
            raise _other_study(folder, [name])
        seeds = before.seeds if name not in wanted.networks else _all_seeds(now, before)
        networks[name] = now.model_copy(update={"seeds": seeds})
    return replace(whole, networks=networks)


def _declared(study: Study) -> list[str]:
    """The networks of the study's file; those of its open-set questions are made from them."""
    return [*study.templates, *(name for name, one in study.networks.items() if one.roles is None)]


def _settings(network: Network) -> Network:
    return network.model_copy(update={"seeds": (0,)})


def _all_seeds(now: Network, before: Network) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*before.seeds, *now.seeds)))


def _other_study(folder: Path, names: list[str]) -> BadInput:
    return BadInput(
        Problem(
            "",
            expected="to add to the networks that are there, whose report would be replaced",
            received=f"other settings than those of {quoted(names, limit=3)} there",
            hint="choose another folder with --out, or run all networks so",
            file=str(folder),
        )
    )
