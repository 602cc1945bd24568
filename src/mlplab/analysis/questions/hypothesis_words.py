"""What the p-value of an answer is of, in words."""

from __future__ import annotations

from mlplab.analysis.questions.finding import Finding
from mlplab.analysis.questions.level_sentence import asked_number, level_unit
from mlplab.analysis.questions.units import Unit
from mlplab.declarations.question import LevelQuestion, Question


def tested_in_words(question: Question, finding: Finding, unit: Unit) -> str:
    """What a small p-value speaks for: a difference above +0.50 points, a mean below 50%.

    unit: in which the finding is told.
    """
    match finding.speaks_for.says:
        case "rising":
            return "a rise along them"
        case "falling":
            return "a fall along them"
        case "different":
            return "any difference"
    if isinstance(question, LevelQuestion):
        what = "median" if finding.test == "sign" else "mean"
        return f"a {what} {_around(question, finding)}"
    what = "median difference" if finding.test == "sign" else "difference"
    return f"a {what} {_where(finding, unit)}"


def _where(finding: Finding, unit: Unit) -> str:
    says, bound = finding.speaks_for.says, finding.speaks_for.bound
    if says in ("within", "beyond"):
        return f"{says} ±{unit.amount(bound)}"
    return f"{says} {unit.signed(bound)} {unit.many}".rstrip() if bound else f"{says} 0"


def _around(question: LevelQuestion, finding: Finding) -> str:
    """A level is held against the number that was asked about, and margins lie around that."""
    says, number = finding.speaks_for.says, asked_number(question)
    if says in ("above", "below"):
        return f"{says} {number}"
    amount = level_unit(question, finding).amount(finding.speaks_for.bound)
    return f"within {amount} of {number}" if says == "within" else f"beyond {amount} from {number}"
