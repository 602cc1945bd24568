"""A study: named networks and what is to be shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from mlplab.declarations.base import Declaration
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.figure import Figure
from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.question import Question
from mlplab.declarations.resampling import Resampling
from mlplab.declarations.task import CLASSIFICATION, Task
from mlplab.declarations.tuning import Tuning
from mlplab.declarations.until_decided import UntilDecided


class Presentation(Declaration):
    """What a study says beside its networks; a new kind of statement is a new field here."""

    questions: tuple[Question, ...] = ()
    """What is to be answered, written before there are results."""
    choice: ChoiceRule = ChoiceRule()
    """Which network is taken, once there are results."""
    figures: tuple[Figure, ...] = ()
    """Figures beside those that every report has."""
    compare_with: str | None = None
    """A published study whose numbers are held against these, for example report-2023."""
    open_set: tuple[OpenSet, ...] = ()
    """What the networks are to do with classes that they never saw."""
    tune: Tuning | None = None
    """Settings that are chosen for every network alike before it is run."""


@dataclass(frozen=True)
class Study:
    """A study, read, resolved and checked: every network has all of its settings."""

    name: str
    networks: Mapping[str, Network]
    """By name, in the order of the file."""
    questions: tuple[Question, ...] = ()
    """What is to be answered."""
    choice: ChoiceRule = field(default_factory=ChoiceRule)
    """Which network is taken."""
    figures: tuple[Figure, ...] = ()
    compare_with: str | None = None
    """A published study whose numbers are held against these, for example report-2023."""
    open_set: tuple[OpenSet, ...] = ()
    """What is asked about unknown classes; the networks for it are among `networks`."""
    templates: Mapping[str, Network] = field(default_factory=dict)
    """Networks that are trained only in their open-set forms, by name."""
    tune: Tuning | None = None
    """Which settings are chosen before the networks are run, and how."""
    tuned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What tuning chose: network → path → value, which `networks` have; empty before it."""
    until_decided: UntilDecided | None = None
    """How many seeds networks may be given until the questions are decided; None for those that
    they have."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a reader should know though it is no error."""
    folder: Path = field(default=Path(), compare=False)
    """Where the study lies; paths of own data are relative to it."""

    @property
    def task(self) -> Task:
        """What all of its networks are to do."""
        every = chain(self.networks.values(), self.templates.values())
        return next((network.task for network in every), CLASSIFICATION)

    @property
    def resampling(self) -> Resampling | None:
        """How the data of all networks are split repeatedly; None for seeds on one split."""
        return next((network.resampling for network in self.networks.values()), None)

    @property
    def test_over_train(self) -> float:
        """Test rows for each training row of repeated splits; 0 for one split."""
        return 0.0 if self.resampling is None else self.resampling.test_over_train
