"""The pairs of a "which of many" as a table, beside its critical-difference diagram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.pairs import RankedPair, ranked_pairs
from mlplab.analysis.questions.units import Unit, phrase_of, unit_of
from mlplab.report.document import Block, Details, Table, columns, plain
from mlplab.words import count, p_in_column

MOST_OPEN = 10
"""Pairs; a longer table is folded away."""


def pairs_blocks(answer: Answer) -> tuple[Block, ...]:
    """The table of a ranking's pairs; () of other questions, and where none could be told apart."""
    pairs = ranked_pairs(answer)
    if not pairs:
        return ()
    table = _table(answer, pairs)
    if len(pairs) <= MOST_OPEN:
        return (table,)
    apart = sum(pair.is_told_apart for pair in pairs)
    return (Details(f"Pair by pair: {apart:,} of {len(pairs):,} are told apart", (table,)),)


def _table(answer: Answer, pairs: Sequence[RankedPair]) -> Table:
    effects = [value for pair in pairs for value in (pair.low, pair.high, pair.effect)]
    unit = unit_of(answer.question.metric, effects, [0.0])
    heads = columns(
        "better by rank", "other", "mean ranks", "difference", "interval", "p", "told apart", left=2
    )  # fmt: skip
    rows = tuple(_row(pair, unit) for pair in pairs)
    return Table(" ".join(_caption(answer, pairs, unit)), heads, rows)


def _row(pair: RankedPair, unit: Unit) -> tuple[str, ...]:
    known = pair.effect == pair.effect
    return (
        plain(pair.first),
        plain(pair.second),
        " and ".join(f"{rank:.2f}" for rank in pair.average_ranks),
        unit.signed(pair.effect) if known else "–",
        f"{unit.signed(pair.low)} to {unit.signed(pair.high)}",
        plain(p_in_column(pair.p_value)),
        "yes" if pair.is_told_apart else "no",
    )


def _caption(answer: Answer, pairs: Sequence[RankedPair], unit: Unit) -> Iterator[str]:
    tests = answer.finding.ranking.pairs if answer.finding.ranking else None
    assert tests is not None
    every, is_mean = len(tests.pairs), pairs[0].effect_is == "mean"
    what = "mean" if is_mean else "median"
    test = "the exact sign-flip test" if is_mean else "Wilcoxon's signed-rank test"
    of_questions = f" of {answer.questions} questions" if answer.questions > 1 else ""
    times = f", times the {answer.questions} questions" if answer.questions > 1 else ""
    in_unit = f" ({unit.many})" if unit.many else ""
    yield (
        f"Pairs in the order of their mean ranks, of which 1 is the best: {what} paired difference "
        f"in {plain(phrase_of(answer.question.metric))}{in_unit}, the first less the other, from "
        f"{count(answer.finding.seeds, 'seed')}."
    )
    yield (
        f"p is that of {test}, adjusted for all {count(every, 'pair')} by Holm, not below that of "
        f"Friedman's test{times}."
    )
    if answer.finding.verdict != "supported":
        yield "Friedman's test finds no difference, so no pair is told apart."
    yield (
        f"Intervals hold for all pairs{of_questions} together by Bonferroni's inequality, which is "
        "less sharp than Holm's steps: a pair can be told apart though its interval holds 0."
    )
    if len(pairs) < every:
        yield f"Only the {len(pairs):,} pairs of the best networks are shown."
