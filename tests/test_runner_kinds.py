"""What trains together: the same whether it is told from the data or from their declaration."""

from __future__ import annotations

import pytest

from mlplab.runner.estimate import estimate
from mlplab.runner.events import StackStarted
from mlplab.runner.run import run
from mlplab.runner.wanted import wanted_runs
from small_studies import network, study

DIGITS = {"name": "digits"}
UNLIKE = {
    "one": network(data=DIGITS),
    "another validation part": network(data={**DIGITS, "validation": 0.1}),
    "its scaling said": network(data={**DIGITS, "scaling": "unit"}),
    "half of the classes": network(data={**DIGITS, "classes": [0, 1, 2]}),
    "other rows to test": network(data={**DIGITS, "split_seed": 1}),
    "standard": network(data={**DIGITS, "scaling": "standard"}),
    "standard on other rows": network(data={**DIGITS, "scaling": "standard", "validation": 0.1}),
    "dropout": network(data=DIGITS, dropout=0.2),
    "another objective": network(objective={"name": "energy margin"}),
}


@pytest.mark.parametrize("has_records", [False, True])
def test_an_estimate_foresees_the_stacks_of_the_run(has_records, tmp_path):
    declared = study(UNLIKE)
    if has_records:
        run(study(one=UNLIKE["one"]), tmp_path)
    foreseen = {frozenset(stack.members) for stack in estimate(declared, tmp_path).stacks}
    told = []
    run(declared, tmp_path, on_event=told.append)
    begun = {frozenset(event.members) for event in told if isinstance(event, StackStarted)}
    assert foreseen == begun


@pytest.mark.parametrize(
    ("name", "device", "kinds"),
    [
        ("another objective", "cpu", 2),
        ("another objective", "cuda", 2),
        ("dropout", "cpu", 2),
        ("dropout", "cuda", 1),
        ("its scaling said", "cpu", 1),
    ],
)
def test_what_cannot_be_recorded_keeps_nobody_else_from_being_recorded(name, device, kinds):
    both = study({one: UNLIKE[one] for one in ("one", name)})
    wanted = wanted_runs(both, precision="float32", device=device, announce=lambda text: None)
    assert len({run.kind for run in wanted}) == kinds
