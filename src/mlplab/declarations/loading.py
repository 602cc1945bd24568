"""A path, and what the command line adds to it, to a study that is ready to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlplab.declarations.checking.consistency import check_study
from mlplab.declarations.checking.notes import seed_notes, study_notes
from mlplab.declarations.checking.tuning_checks import number_problem, seed_problem
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.figure import CurveFigure, Figure, RocFigure
from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.problems import BadInput, Problem, Where, did_you_mean, dotted, listed
from mlplab.declarations.reading import overrides as overriding
from mlplab.declarations.reading.dialects import understand
from mlplab.declarations.reading.json_text import read_object
from mlplab.declarations.reading.names import EVERY_NETWORK, plain
from mlplab.declarations.reading.report_files import (
    is_configuration,
    translate_file,
    translate_folder,
)
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.reading.validation import validate
from mlplab.declarations.resolving.arms import can_be_asked
from mlplab.declarations.resolving.matching import match_widths
from mlplab.declarations.resolving.open_set_networks import variants_of, with_open_set
from mlplab.declarations.resolving.resolution import (
    MOST_SEEDS,
    Origins,
    Resolution,
    expand_grid,
    resolve,
    unknown_keys,
)
from mlplab.declarations.resolving.training_length import set_lengths
from mlplab.declarations.resolving.tuning_trials import tuned_networks
from mlplab.declarations.seeds_needed import seeds_for_all
from mlplab.declarations.study import Presentation, Study
from mlplab.declarations.tuning import Tuning

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
        raise _no_path()
    return _loaded(_source(Path(path)), str(path), overrides, select, seeds)


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
    source = _Source(dict(values), SourceMap(""), folder, name)
    return _loaded(source, "", overrides, select, seeds)


def _loaded(
    source: _Source,
    file: str,
    overrides: Iterable[str],
    select: Sequence[str] | None,
    seeds: int | None,
) -> Study:
    given, problems = _parsed_overrides(overrides)
    source, notes, more = _overridden(source, given)
    problems += more
    values, source_map = source.values, source.source_map
    problems += unknown_keys(values, STUDY_KEYS)
    presentation = _presentation(values, problems)
    if "seeds" not in values and "resampling" not in values:
        notes += _default_seeds(values, presentation)
    resolution = resolve(values, source.grid)
    problems += resolution.problems
    lengths = set_lengths(resolution, values, source.folder)
    resolution = lengths.resolution
    problems += lengths.problems
    matching = match_widths(resolution, source.folder)
    resolution = matching.resolution
    problems += matching.problems
    study = Study(
        name=values.get("name", source.name),
        networks=resolution.networks,
        questions=presentation.questions,
        choice=presentation.choice,
        figures=presentation.figures,
        compare_with=presentation.compare_with,
        open_set=presentation.open_set,
        tune=presentation.tune,
        folder=source.folder,
    )
    checked = check_study(study, matching, values, source_map)
    problems += checked.problems
    if problems or source.problems:
        raise BadInput(_in_order(source.problems, map(source_map.located, problems)))
    # Files that share nothing have every setting overridden network by network.
    missed = () if source.translated else _override_notes(given, resolution)
    notes += (*missed, *lengths.notes, *matching.notes, *study_notes(study, checked.sizes))
    study = with_open_set(replace(study, notes=tuple(notes)))
    if study.tune and (problem := number_problem(study.tune, tuned_networks(study))):
        raise BadInput(source_map.located(problem))
    study = _selected(study, select, seeds, file)
    return replace(study, notes=(*study.notes, *seed_notes(study)))


@dataclass(frozen=True)
class _Source:
    values: dict[str, Any]
    source_map: SourceMap
    folder: Path
    name: str
    problems: tuple[Problem, ...] = ()
    """What was wrong already when it was read."""
    grid: dict[Where, Where] = field(default_factory=dict)
    translated: bool = False
    """From configuration files, each of which gives all its settings: nothing is shared."""


def _no_path() -> BadInput:
    """An empty path would be the current folder, which nobody means by it."""
    return BadInput(
        Problem(
            "",
            "a study file, a folder of configuration files, or the name of a shipped study",
            "an empty path",
            f"shipped are {listed(shipped_studies())}",
        )
    )


def _source(path: Path) -> _Source:
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except PermissionError:
        is_folder, exists = False, True  # what stops us is told on reading it
    except (OSError, ValueError):
        is_folder, exists = False, False
    if is_folder:
        translated = translate_folder(path)
        name = plain(path.resolve().name)
        return _Source(translated.values, translated.source_map, path, name, translated=True)
    if not exists:
        path = _shipped(path)
    read = read_object(path)
    if is_configuration(read.values):
        translated = translate_file(path, read)
        values, source_map = translated.values, translated.source_map
        return _Source(
            values, source_map, path.parent, plain(path.stem), read.problems, translated=True
        )
    values = {key: value for key, value in read.values.items() if key != "$schema"}
    return _Source(values, read.source_map, path.parent, plain(path.stem), read.problems)


def shipped_folder() -> Path:
    """Where the studies that come with mlplab lie."""
    return Path(__file__).parent.parent / "studies"


def shipped_studies() -> list[str]:
    """The names of the studies that come with mlplab."""
    found = shipped_folder().glob("*.json")
    return sorted(file.stem for file in found if not file.name.endswith(".schema.json"))


def _shipped(path: Path) -> Path:
    known = shipped_studies()
    if path.stem in known and str(path.parent) in (".", "studies") and path.suffix in ("", ".json"):
        return shipped_folder() / f"{path.stem}.json"
    near = [file.name for file in _beside(path)]
    hint = did_you_mean(path.name, near) or did_you_mean(path.stem, known)
    raise BadInput(
        Problem(
            "",
            "a study file, a folder of configuration files, or the name of a shipped study",
            "a path where nothing lies",
            hint or f"shipped are {listed(known)}",
            None,
            str(path),
        )
    )


def _beside(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.glob("*.json"))[:200]
    except (OSError, ValueError):
        return []


def _parsed_overrides(
    texts: Iterable[str],
) -> tuple[list[overriding.Override], list[Problem]]:
    given: list[overriding.Override] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            given.append(overriding.parse(text))
        except BadInput as error:
            problems += error.problems
    return given, problems


def _overridden(
    source: _Source, given: list[overriding.Override]
) -> tuple[_Source, list[str], list[Problem]]:
    """The source with overrides in it, in this project's words and its grid spread, and notes.

    Overrides of single networks come after the grid, so that they reach generated networks too.
    """
    if source.translated:
        given = [each for override in given for each in _for_every_network(override, source)]
    late = [override for override in given if override.path.startswith("networks.")]
    early = [override for override in given if override not in late]
    values, source_map, problems = overriding.apply(source.values, source.source_map, early)
    read = understand(values, source_map, STUDY_KEYS)
    values, grid, grid_problems = expand_grid(read.values)
    values, source_map, late_problems = overriding.apply(values, read.source_map, late)
    problems += (*read.problems, *grid_problems, *late_problems)
    if late:
        again = understand(values, source_map, STUDY_KEYS)
        values, source_map = again.values, again.source_map
        problems += again.problems
        read.notes += again.notes
    changed = [way for way in source_map.known if source_map.of(way).file.startswith("--set")]
    grid = {
        way: origin
        for way, origin in grid.items()
        if not any(way[: len(c)] == c or (c[: len(way)] == way and len(way) > 2) for c in changed)
    }
    source = replace(source, values=values, source_map=source_map, grid=grid)
    return source, read.notes, problems


def _for_every_network(
    override: overriding.Override, source: _Source
) -> Iterator[overriding.Override]:
    """The override of a shared setting, for each network where files share none."""
    first = override.path.partition(".")[0]
    if first not in Network.model_fields or first == "seeds":
        yield override
        return
    for name in source.values["networks"]:
        yield replace(override, path=f"networks.{name}.{override.path}")


def _default_seeds(values: dict[str, Any], presentation: Presentation) -> list[str]:
    """Seeds that suffice for the study's own questions, where none are declared, with a note."""
    declared = values.get("networks")
    own = (
        [one for one in declared.values() if isinstance(one, dict)]
        if isinstance(declared, dict)
        else []
    )
    fewest = len(Network.model_fields["seeds"].default)
    needed = seeds_for_all(presentation.questions)
    if needed <= fewest or any("seeds" in one for one in own):
        return []
    values["seeds"] = needed
    return [
        f"each network has {needed} seeds by default, the fewest with which every question of the "
        "study can have a verdict."
    ]


def _presentation(values: dict[str, Any], problems: list[Problem]) -> Presentation:
    its = {key: values[key] for key in Presentation.model_fields if key in values}
    validated = validate(Presentation, its)
    problems += validated.faults
    return validated.declaration or Presentation()


def _in_order(read: tuple[Problem, ...], problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by the line where it stands, the files in the order they were met."""
    # A number that is not finite is no number above 0 either, but told already.
    told = {(problem.where, problem.received, problem.line) for problem in read}
    more = [p for p in problems if (p.where, p.received, p.line) not in told]
    unique = list(dict.fromkeys((*read, *more)))
    met = list(dict.fromkeys(problem.file for problem in unique))
    ordered = sorted(unique, key=lambda problem: (met.index(problem.file), problem.line or 0))
    shortened = _without_repeated_lists(ordered[:MOST_PROBLEMS])
    left = len(ordered) - MOST_PROBLEMS
    if left > 0:
        expected = f"a study with fewer problems than the {MOST_PROBLEMS} above"
        shortened.append(Problem("", expected, f"{left:,} more", "mend these first"))
    return shortened


def _without_repeated_lists(problems: list[Problem]) -> list[Problem]:
    """The problems with each long list of keys written out once."""
    seen: set[str] = set()
    told = []
    for problem in problems:
        again = problem.expected in seen and problem.expected.startswith("one of the keys")
        seen.add(problem.expected)
        told.append(replace(problem, expected="one of the keys listed above") if again else problem)
    return told


def _override_notes(given: list[overriding.Override], resolution: Resolution) -> list[str]:
    notes = []
    for override in given:
        where = tuple(overriding.steps_of(override.path))
        if where and where[0] in Network.model_fields:
            own = _own(where, resolution.origins)
            if own:
                notes.append(
                    f"{override.given} is shared, and does not reach "
                    f"{listed(own, limit=6)}, which set{'s' if len(own) == 1 else ''} "
                    f"{dotted(where)} by itself; "
                    f"networks.NAME.{override.given} would."
                )
    return notes


def _own(where: Where, origins: Origins) -> list[str]:
    return [name for name in origins.own if origins.of(name, where) != where]


def _selected(study: Study, select: Sequence[str] | None, seeds: int | None, file: str) -> Study:
    networks = dict(study.networks)
    wanted = [name for name in select or () if name != EVERY_NETWORK]
    unknown = [name for name in wanted if name not in networks and name not in study.templates]
    if unknown:
        raise BadInput(
            Problem(
                "",
                f"names of networks of this study, or {EVERY_NETWORK}",
                f'"{name}"',
                did_you_mean(name, [*study.templates, *networks])
                or f"it has {listed([*study.templates, *networks])}",
                None,
                file,
            )
            for name in unknown
        )
    if wanted and EVERY_NETWORK not in (select or ()):
        forms = variants_of(study)
        kept = {*wanted, *(form.network for form in forms if form.template in wanted)}
        networks = {name: network for name, network in networks.items() if name in kept}
        used = {form.template for form in forms if form.network in kept}
        templates = {name: network for name, network in study.templates.items() if name in used}
        study = replace(
            study,
            networks=networks,
            templates=templates,
            figures=_figures_of(study.figures, networks),
            choice=_choice_among(study.choice, networks),
            tune=_tuning_of(study.tune, networks),
            open_set=_open_set_of(study.open_set, {*networks, *templates}),
        )
        asked = tuple(q for q in study.questions if can_be_asked(q, study))
        study = replace(study, questions=asked)
    if seeds is not None:
        if isinstance(seeds, bool) or not 1 <= seeds <= MOST_SEEDS:
            expected = f"a whole number from 1 to {MOST_SEEDS}"
            raise BadInput(Problem("", expected, str(seeds), None, None, "--seeds"))
        again = {"seeds": tuple(range(seeds))}
        networks = {name: network.model_copy(update=again) for name, network in networks.items()}
        problem = seed_problem(study.tune, networks) if study.tune else None
        if problem is not None:
            raise BadInput(SourceMap(file).located(problem))
    return replace(study, networks=networks)


def _choice_among(rule: ChoiceRule, networks: dict[str, Network]) -> ChoiceRule:
    """The rule without the networks left out; among all that there are, if fewer than two stay."""
    kept = tuple(name for name in rule.networks or () if name in networks)
    return rule.model_copy(update={"networks": kept if len(kept) > 1 else None})


def _tuning_of(tune: Tuning | None, networks: dict[str, Network]) -> Tuning | None:
    """The tuning of the networks that are kept; None where none of them is tuned."""
    if tune is None or tune.networks is None:
        return tune
    names = tuple(name for name in tune.networks if name in networks)
    return tune.model_copy(update={"networks": names}) if names else None


def _open_set_of(entries: tuple[OpenSet, ...], names: set[str]) -> tuple[OpenSet, ...]:
    """What is still asked about unknown classes, without the networks left out."""
    kept: list[OpenSet] = []
    for entry in entries:
        if entry.networks is None:
            kept.append(entry)
            continue
        its = tuple(name for name in entry.networks if name in names)
        if its:
            kept.append(entry.model_copy(update={"networks": its}))
    return tuple(kept)


def _figures_of(figures: tuple[Figure, ...], networks: dict[str, Network]) -> tuple[Figure, ...]:
    """The figures that still have something to show, without the networks left out."""
    kept: list[Figure] = []
    for figure in figures:
        if isinstance(figure, RocFigure):
            if figure.network in networks:
                kept.append(figure)
        elif figure.networks is None:
            kept.append(figure)
        elif isinstance(figure, CurveFigure):
            names = tuple(name for name in figure.networks if name in networks)
            if names:
                kept.append(figure.model_copy(update={"networks": names}))
    return tuple(kept)
