"""A path, and what the command line adds to it, to a study that is ready to run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mlplab.declarations.checking.consistency import check_study
from mlplab.declarations.checking.notes import seed_notes, study_notes
from mlplab.declarations.checking.tuning_checks import (
    number_problem,
    seed_problem,
    until_decided_problems,
)
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.initial_weights import Recorded
from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.problems import (
    BadInput,
    Problem,
    dotted,
    quoted,
    refuse,
    shown,
    unknown_name,
)
from mlplab.declarations.reading import overrides as overriding
from mlplab.declarations.reading.dialects import understand
from mlplab.declarations.reading.names import EVERY_NETWORK
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.reading.validation import unknown_key, validate
from mlplab.declarations.resolving.arms import can_be_asked
from mlplab.declarations.resolving.matching import match_widths
from mlplab.declarations.resolving.open_set_networks import variants_of, with_open_set
from mlplab.declarations.resolving.resolution import (
    MOST_SEEDS,
    Resolution,
    expand_grid,
    resolve,
)
from mlplab.declarations.resolving.tasks import presented_for, with_tasks
from mlplab.declarations.resolving.training_length import set_lengths
from mlplab.declarations.resolving.tuning_trials import tuned_networks
from mlplab.declarations.seeds_needed import first_look, seeds_for_all
from mlplab.declarations.source import Source, no_study, source_of
from mlplab.declarations.study import Presentation, Study
from mlplab.declarations.task import CLASSIFICATION
from mlplab.declarations.tuning import Tuning
from mlplab.declarations.until_decided import UntilDecided

MOST_PROBLEMS = 200
"""Problems that are told; the rest are counted."""
STUDY_KEYS = ("name", "networks", "grid", *Presentation.model_fields, *Network.model_fields)
"""Every key that a study file may have at its top."""


def load(
    path: str | Path,
    *,
    overrides: Iterable[str] = (),
    select: Sequence[str] | None = (),
    seeds: int | None = None,
) -> Study:
    """The study in a study file, a configuration file of the report, or a folder of such files.

    path: where it lies; a shipped study's name, or studies/NAME.json, is found too.
    overrides: texts path=value, put into the study before it is resolved.
    select: names of the networks to keep; none, or "all", keeps every one.
    seeds: a count N that replaces every network's seeds by 0 to N-1.

    Raises BadInput with every problem at once.
    """
    if not str(path).strip():
        no_study("an empty path")
    return _loaded(source_of(Path(path)), str(path), overrides, select, seeds)


def load_values(
    values: Mapping[str, Any],
    folder: Path,
    *,
    overrides: Iterable[str] = (),
    select: Sequence[str] | None = (),
    seeds: int | None = None,
) -> Study:
    """The study of the plain values of a study file, as `load` gives that of a file.

    folder: what the paths of own data are relative to.

    Raises BadInput with every problem at once.
    """
    name = str(values.get("name", "study"))
    source = Source(dict(values), SourceMap(""), folder, name)
    return _loaded(source, "", overrides, select, seeds)


def until_decided(study: Study) -> Study:
    """The study with its seeds as the least, to which others are added until questions are decided.

    Raises BadInput for a study without questions, or with other seeds than 0 to N-1.
    """
    if study.until_decided is not None:
        return study
    listed = {network.seeds for network in study.networks.values()}
    fewest = min(map(len, listed))
    if listed - {tuple(range(len(seeds))) for seeds in listed} or fewest < 2:
        refuse(
            "",
            expected="a study with at least two seeds, 0 to N-1, to which others can be added",
            received="other seeds",
            hint="give --seeds too, such as --seeds 10",
            file="--until-decided",
        )
    most = max(UntilDecided.model_fields["at_most"].default, *map(len, listed))
    until = UntilDecided(until_decided=True, at_least=fewest, at_most=most)
    study = replace(study, until_decided=until)
    problems = [*until_decided_problems(study)]
    if problems:
        raise BadInput(replace(problem, file="--until-decided") for problem in problems)
    return _with_first_look(study)


def starting_from(study: Study, run: Path) -> Study:
    """The study whose networks begin with the weights that a run recorded; see `Recorded`.

    Raises BadInput for a study with tuned settings, whose trials there are no weights for.
    """
    if study.tune is not None:
        refuse(
            "tune",
            expected="a study without it, as its trials would begin with one weight each",
            received="one that is tuned",
            hint='write what it chose into the networks, and remove "tune"',
            file="--from",
        )
    recorded = Recorded(distribution="recorded", run=str(run.absolute()))
    networks = {
        name: network.model_copy(update={"initial_weights": recorded})
        for name, network in study.networks.items()
    }
    return replace(study, networks=networks)


def _with_first_look(study: Study) -> Study:
    """The study with the seeds that its networks begin with, where others are added in rounds."""
    if study.until_decided is None:
        return study
    first = {"seeds": tuple(range(first_look(study.questions, study.until_decided.at_least)))}
    networks = {name: network.model_copy(update=first) for name, network in study.networks.items()}
    return replace(study, networks=networks)


def _loaded(
    source: Source,
    file: str,
    overrides: Iterable[str],
    select: Sequence[str] | None,
    seeds: int | None,
) -> Study:
    given: list[overriding.Override] = []
    problems: list[Problem] = []
    for text in overrides:
        try:
            given.append(overriding.parse(text))
        except BadInput as error:
            problems += error.problems
    source, notes = _overridden(source, given, problems)
    values, source_map = source.values, source.source_map
    problems += [unknown_key((k,), Network, STUDY_KEYS) for k in values if k not in STUDY_KEYS]
    its = {key: values[key] for key in Presentation.model_fields if key in values}
    validated = validate(Presentation, its)
    problems += validated.faults
    presentation = validated.declaration or Presentation()
    until, values, faults = _seeds_until_decided(values)
    problems += faults
    if "seeds" not in values and "resampling" not in values:
        notes += _default_seeds(values, presentation)
    resolution = resolve(values, source.grid)
    problems += resolution.problems
    lengths = set_lengths(resolution, values, source.folder)
    resolution, task_notes = with_tasks(lengths.resolution, source.folder)
    problems += lengths.problems
    matching = match_widths(resolution, source.folder)
    resolution = matching.resolution
    problems += matching.problems
    name, networks = values.get("name", source.name), resolution.networks
    task = next((network.task for network in networks.values()), CLASSIFICATION)
    presentation = presented_for(task, presentation)
    study = Study(name, networks, until_decided=until, folder=source.folder, **dict(presentation))
    checked = check_study(study, matching, values)
    problems += checked.problems
    problems += until_decided_problems(study) if until else ()
    if problems or source.problems:
        raise BadInput(_in_order(source.problems, map(source_map.located, problems)))
    # Files that share nothing have every setting overridden network by network.
    missed = () if source.translated else _override_notes(given, resolution)
    notes += (
        *missed,
        *lengths.notes,
        *task_notes,
        *matching.notes,
        *study_notes(study, checked.sizes),
    )
    study = with_open_set(replace(study, notes=tuple(notes)))
    if study.tune and (problem := number_problem(study.tune, tuned_networks(study))):
        raise BadInput(source_map.located(problem))
    study = _selected(study, select or (), file)
    study = _with_first_look(study) if seeds is None else _with_seeds(study, seeds, file)
    return replace(study, notes=(*study.notes, *seed_notes(study)))


def _overridden(
    source: Source, given: list[overriding.Override], problems: list[Problem]
) -> tuple[Source, list[str]]:
    """The source with overrides in it, in this project's words and its grid spread, and notes.

    problems: to which those found are added.
    Overrides of single networks come after the grid, so that they reach generated networks too.
    """
    if source.translated:
        given = [each for override in given for each in _for_every_network(override, source)]
    late = [override for override in given if override.path.startswith("networks.")]
    early = [override for override in given if override not in late]
    values, source_map, early_problems, notes = overriding.apply(
        source.values, source.source_map, early
    )
    read = understand(values, source_map, STUDY_KEYS)
    values, grid, grid_problems = expand_grid(read.values)
    values, source_map, late_problems, more = overriding.apply(values, read.source_map, late)
    problems += (*early_problems, *read.problems, *grid_problems, *late_problems)
    if late:
        again = understand(values, source_map, STUDY_KEYS)
        values, source_map = again.values, again.source_map
        problems += again.problems
        read.notes += again.notes
    changed = [path for path in source_map.known if source_map.of(path).file.startswith("--set")]
    grid = {
        path: origin
        for path, origin in grid.items()
        if not any(
            path[: len(c)] == c or (c[: len(path)] == path and len(path) > 2) for c in changed
        )
    }
    source = replace(source, values=values, source_map=source_map, grid=grid)
    return source, [*notes, *more, *read.notes]


def _for_every_network(
    override: overriding.Override, source: Source
) -> Iterator[overriding.Override]:
    """The override of a shared setting, for each network where files share none."""
    first = override.path.partition(".")[0]
    if first not in Network.model_fields or first == "seeds":
        yield override
        return
    for name in source.values["networks"]:
        yield replace(override, path=f"networks.{name}.{override.path}")


def _in_order(read: tuple[Problem, ...], problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by the line where it stands, the files in the order they were met."""
    # A number that is not finite is no number above 0 either, but refused already.
    known = {(problem.where, problem.received, problem.line) for problem in read}
    more = [p for p in problems if (p.where, p.received, p.line) not in known]
    unique = list(dict.fromkeys((*read, *more)))
    met = list(dict.fromkeys(problem.file for problem in unique))
    ordered = sorted(unique, key=lambda problem: (met.index(problem.file), problem.line or 0))
    seen: set[str] = set()
    shortened = []
    for problem in ordered[:MOST_PROBLEMS]:
        # Each long list of keys is written out once.
        if problem.expected in seen and problem.expected.startswith("one of the keys"):
            problem = replace(problem, expected="one of the keys listed above")
        seen.add(problem.expected)
        shortened.append(problem)
    left = len(ordered) - MOST_PROBLEMS
    if left > 0:
        expected = f"a study with fewer problems than the {MOST_PROBLEMS} above"
        shortened.append(Problem("", expected, f"{left:,} more", "mend these first"))
    return shortened


def _default_seeds(values: dict[str, Any], presentation: Presentation) -> list[str]:
    """Seeds that suffice for the study's own questions, where none are declared, with a note."""
    networks = values.get("networks")
    own = networks.values() if isinstance(networks, dict) else ()
    needed = seeds_for_all(presentation.questions)
    is_declared = any("seeds" in one for one in (values, *own) if isinstance(one, dict))
    if is_declared or needed <= len(Network.model_fields["seeds"].default):
        return []
    values["seeds"] = needed
    return [
        f"each network has {needed} seeds by default, the fewest with which every question of the "
        "study can have a verdict."
    ]


def _override_notes(given: list[overriding.Override], resolution: Resolution) -> Iterator[str]:
    """Shared settings from the command line that do not reach networks with their own."""
    origins = resolution.origins
    for override in given:
        where = tuple(overriding.steps_of(override.path))
        is_shared = where and where[0] in Network.model_fields
        own = [name for name in origins.own if is_shared and origins.of(name, where) != where]
        if own:
            yield (
                f"{override.given} is shared, and does not reach {quoted(own, limit=6)}, which "
                f"set{'s' if len(own) == 1 else ''} {dotted(where)} by itself; "
                f"networks.NAME.{override.given} would."
            )


def _selected(study: Study, select: Sequence[str], file: str) -> Study:
    """The study with the selected networks, and what it says of them alone."""
    wanted = [name for name in select if name != EVERY_NETWORK]
    known = [*study.templates, *study.networks]
    unknown = [problem for name in wanted if (problem := unknown_name(name, known))]
    if unknown:
        expected = f"names of networks of this study, or {EVERY_NETWORK}"
        raise BadInput(replace(p, where="", expected=expected, file=file) for p in unknown)
    if not wanted or EVERY_NETWORK in select:
        return study
    variants = variants_of(study)
    kept = {*wanted, *(variant.network for variant in variants if variant.template in wanted)}
    used = {variant.template for variant in variants if variant.network in kept}
    networks = {name: network for name, network in study.networks.items() if name in kept}
    templates = {name: network for name, network in study.templates.items() if name in used}
    figures = (
        (figure if figure.network in networks else None)
        if isinstance(figure, RocFigure)
        else _among(networks, figure)
        for figure in study.figures
    )
    open_set = (_among({*networks, *templates}, entry) for entry in study.open_set)
    study = replace(
        study,
        networks=networks,
        templates=templates,
        figures=tuple(filter(None, figures)),
        choice=_among(networks, study.choice, fewest=2)
        or study.choice.model_copy(update={"networks": None}),
        tune=study.tune and _among(networks, study.tune),
        open_set=tuple(filter(None, open_set)),
    )
    return replace(study, questions=tuple(q for q in study.questions if can_be_asked(q, study)))


_OfNetworks = TypeVar("_OfNetworks", ChoiceRule, CurveFigure, OpenSet, Tuning)


def _among(kept: Collection[str], declared: _OfNetworks, *, fewest: int = 1) -> _OfNetworks | None:
    """A declaration without the networks left out; None where fewer than so many of it stay."""
    if declared.networks is None:
        return declared
    names = tuple(name for name in declared.networks if name in kept)
    return declared.model_copy(update={"networks": names}) if len(names) >= fewest else None


def _with_seeds(study: Study, seeds: int, file: str) -> Study:
    """The study with so many seeds for each network."""
    if isinstance(seeds, bool) or not 1 <= seeds <= MOST_SEEDS:
        expected = f"a whole number from 1 to {MOST_SEEDS}"
        refuse("", expected=expected, received=str(seeds), file="--seeds")
    again = {"seeds": tuple(range(seeds))}
    networks = {name: network.model_copy(update=again) for name, network in study.networks.items()}
    problem = seed_problem(study.tune, networks) if study.tune else None
    if problem is not None:
        raise BadInput(SourceMap(file).located(problem))
    return replace(study, networks=networks, until_decided=None)


def _seeds_until_decided(
    values: dict[str, Any],
) -> tuple[UntilDecided | None, dict[str, Any], list[Problem]]:
    """What an object as "seeds" says, and the values with the seeds that networks begin with."""
    if not isinstance(values.get("seeds"), dict):
        return None, values, []
    found = validate(UntilDecided, values["seeds"])
    problems = [problem.within("seeds") for problem in found.faults]
    networks = values.get("networks")
    for name, own in networks.items() if isinstance(networks, dict) else ():
        if isinstance(own, dict) and "seeds" in own:
            expected = "no seeds of its own where they are added until questions are decided"
            where = ("networks", name, "seeds")
            problems.append(Problem(where, expected, shown(own["seeds"]), "remove it"))
    least = found.declaration.at_least if found.declaration else 2
    return found.declaration, values | {"seeds": least}, problems
