"""Choose the recipe of time_to_98 by validation rows: the test rows have no part in it.

python -m benchmarks recipe_search        trains studies/mnist-98-search.json, writes the recipe

The choice: of all candidates the one with the fewest training FLOPs whose mean validation accuracy
over the seeds lies above 98% by at least `--reserve`. What is finished is not trained again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep
from mlplab.declarations.loading import load
from mlplab.declarations.network import Network
from mlplab.declarations.resolving.size import size_of
from mlplab.declarations.study import Study as Declared
from mlplab.study import Study

STUDIES = Path(__file__).parent / "studies"
CANDIDATES = STUDIES / "mnist-98-search.json"
RECIPE = STUDIES / "mnist-98.json"
TARGET = 0.98
_FEATURES, _CLASSES = 784, 10


@dataclass(frozen=True)
class Candidate:
    """One recipe and how it did."""

    name: str
    flops: int
    """Of training."""
    accuracies: tuple[float, ...]
    """On the validation rows at the last step, by seed; 0 where it diverged."""

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.accuracies))


def choose(candidates: list[Candidate], reserve: float) -> Candidate | None:
    """The cheapest that is good enough, None where none is."""
    good = [c for c in candidates if c.mean >= TARGET + reserve]
    return min(good, key=lambda c: c.flops, default=None)


def train(study: Declared, runs: Path, precision: str) -> list[Candidate]:
    """Train all candidates; the cheapest come first in what is given back."""
    results = Study(study).run(runs, device="cpu", precision=precision)
    accuracies: dict[str, list[float]] = {}
    for run in results.runs:
        has_diverged = run.diverged_at is not None
        final = 0.0 if has_diverged else float(run.curves["validation", "accuracy"][-1])
        accuracies.setdefault(run.network, []).append(final)
    candidates = [
        Candidate(
            name,
            size_of(study.networks[name], _FEATURES, _CLASSES).training_flops,
            tuple(own),
        )
        for name, own in accuracies.items()
    ]
    return sorted(candidates, key=lambda c: c.flops)


def write_recipe(network: Network) -> None:
    """Write the study of the chosen network: all training rows, the same steps, 30 seeds."""
    own = network.model_dump(mode="json", exclude_defaults=True)
    steps = network.training.steps
    recipe = {
        "//": "The recipe of benchmarks/time_to_98.py. recipe_search.py writes it; what it was "
        "chosen by is in results/recipe_search.md.",
        "name": RECIPE.stem,
        "data": {"name": "mnist", "validation": 0},
        "seeds": 30,
        "networks": {
            "recipe": {
                **{key: own[key] for key in own if key not in ("data", "seeds", "training")},
                "training": {
                    "steps": steps,
                    "batch_size": network.training.batch_size,
                    "evaluate_every": steps,
                },
            }
        },
    }
    RECIPE.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


def findings(
    candidates: list[Candidate], chosen: Candidate | None, reserve: float, load: str
) -> Findings:
    """The candidates in words."""
    rows = [
        [
            c.name + (" **chosen**" if c is chosen else ""),
            f"{c.flops / 1e12:.3f}",
            f"{100 * c.mean:.2f}",
            f"{100 * min(c.accuracies):.2f}-{100 * max(c.accuracies):.2f}",
        ]
        for c in candidates
    ]
    return Findings(
        name="recipe_search",
        title="The search for the quickest recipe to 98% on MNIST",
        protocol=(
            f"{len(candidates)} candidates, {len(candidates[0].accuracies)} seeds each, on 50,000 "
            "of the training rows, judged by the other 10,000; the test rows have no part in it. "
            f"Chosen: the fewest training FLOPs with a mean of at least {TARGET + reserve:.2%}."
        ),
        tables=[Table("Candidates", ["candidate", "TFLOP", "validation, %", "range"], rows)],
        data={"candidates": [vars(c) for c in candidates], "chosen": chosen and chosen.name},
        load_at_start=load,
    )


def main(arguments: list[str]) -> None:
    """Search, keep what was found, and write the recipe."""
    parser = argparse.ArgumentParser("recipe_search", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--reserve", type=float, default=0.0005, help="above 98%%, as a share")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    before = machine.load()
    study = load(CANDIDATES, overrides=given.set, seeds=given.seeds)
    candidates = train(study, given.runs, given.precision)
    chosen = choose(candidates, given.reserve)
    keep(findings(candidates, chosen, given.reserve, before), given.out)
    if chosen is None:
        print("no candidate is good enough; the recipe stays as it was")
    else:
        write_recipe(study.networks[chosen.name])
        print(f"{chosen.name} is now the recipe in {RECIPE.name}")
