"""The network that `predict` and `export --model` take from results, told in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlplab.commands.failure import complain, refuse

if TYPE_CHECKING:
    from mlplab.model.model import Model
    from mlplab.study import StudyResults


def model_of_results(results: StudyResults, network: str | None, seed: str) -> Model:
    """The named network, else the one that the study chose; one seed of it, or "all".

    Raises:
        BadInput: there is none.
    """
    if seed != "all" and not seed.isdecimal():
        raise refuse(f"--seed: expected a number or all, but received {seed!r}.")
    model = results.model(network, "all" if seed == "all" else int(seed))
    seeds = ", ".join(map(str, model.seeds))
    complain(f"network {model.facts['network']} (seeds {seeds}): {model.facts['selection']}")
    return model
