"""What is wrong with figures, and with the published study that they are held against."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from mlplab.declarations.checking.names import list_problems
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.problems import Problem, Where, did_you_mean, quoted, shown, unknown_name
from mlplab.declarations.study import Study

# importlib.resources would cost a tenth of the time that checking takes.
_PUBLISHED = Path(__file__).parents[2] / "published"


def figure_problems(study: Study, known: Sequence[str]) -> Iterator[Problem]:
    """What figures show that no network has. known: names of all networks, those in doubt too."""
    for index, figure in enumerate(study.figures):
        where = ("figures", index)
        if isinstance(figure, RocFigure):
            problem = unknown_name(figure.network, known)
            if problem is not None:
                yield problem.within(*where, "network")
        else:
            yield from list_problems((*where, "networks"), figure.networks or (), known)
            yield from _curve_problems(study, figure, known, where)


def _curve_problems(
    study: Study, figure: CurveFigure, known: Sequence[str], where: Where
) -> Iterator[Problem]:
    names = figure.networks or known
    # Where a network of the figure is in doubt, it may be the one that has what is asked.
    whole = set(names) <= set(study.networks)
    drawn = [study.networks[name] for name in names] if whole else []
    if drawn and "validation" in figure.splits and all(n.data.validation == 0 for n in drawn):
        yield Problem(
            (*where, "split"),
            "a split that some network of the figure has",
            '"validation", though none has a validation part',
            'add "validation": 0.1 to data',
        )
    if drawn and figure.is_by_layer and not any(n.training.diagnostics for n in drawn):
        yield Problem(
            (*where, "metric"),
            f'"diagnostics": true in training, which records {figure.metric}',
            "no network of the figure with it",
            'add "diagnostics": true to training',
        )


def comparison_problems(study: Study) -> Iterator[Problem]:
    """A published study, or figures of it, that do not exist."""
    known = published_studies()
    if study.compare_with is not None and study.compare_with not in known:
        expected = f"a published study: {quoted(known)}"
        hint = did_you_mean(study.compare_with, known)
        yield Problem(("compare_with",), expected, shown(study.compare_with), hint)
        return
    available = published_figures(study.compare_with) if study.compare_with else ()
    for index, figure in enumerate(study.figures):
        published = getattr(figure, "published", None)
        if published is None or published in available:
            continue
        where = ("figures", index, "published")
        if study.compare_with is None:
            expected = 'the key "compare_with" at the top, which names the published study'
            hint = f'add "compare_with": "{known[0]}"' if known else None
            yield Problem(where, expected, "none", hint)
        else:
            expected = f"a figure of {study.compare_with}: {quoted(available)}"
            yield Problem(where, expected, shown(published), did_you_mean(published, available))


@lru_cache(maxsize=1)
def published_studies() -> tuple[str, ...]:
    """The names of the published studies whose numbers come with mlplab."""
    return tuple(sorted(file.stem for file in _PUBLISHED.glob("*.json")))


@lru_cache(maxsize=8)
def published_figures(study: str) -> tuple[str, ...]:
    """The names of a published study's figures whose curves are known."""
    text = (_PUBLISHED / f"{study}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["figures"])
