"""Which network to take, by a stated rule."""

from __future__ import annotations

from mlplab.analysis.choice import MARGIN, Candidate, Choice
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Note, Paragraph, Table, columns, plain

MOST_SHOWN = 25


def chapter(context: Context) -> Chapter | None:
    """The rule, what it chose, and how every candidate compares with the best."""
    choice = context.chosen
    if choice is None:
        return None
    blocks: list[Block] = [Paragraph(_outcome(choice), lead=True)]
    if choice.split == "test":
        blocks.append(
            Note(
                "This study has no validation part, so the choice was made on the test set, and "
                "the chosen network's test accuracy is optimistic. A `validation` part in its data "
                "mends this.",
                "The test set chose",
            )
        )
    blocks.append(_table(choice))
    return Chapter("choice", "Which network to take", tuple(blocks))


def _outcome(choice: Choice) -> str:
    rule = (
        f"The rule: the cheapest network (by parameters) that is shown to be within "
        f"{100 * MARGIN:.1f} points of the best in final {choice.split} accuracy."
    )
    best = choice.best
    if choice.chosen is None:
        return (
            f"{rule} With {choice.seeds} seeds **none** is shown to be: the best mean is that of "
            f"{plain(best.network)}, {100 * best.accuracy:.2f}%, but what is best is not settled."
        )
    chosen = next(c for c in choice.candidates if c.network == choice.chosen)
    words = f"{rule} It takes **{plain(chosen.network)}** ({chosen.parameters:,} parameters"
    words += f", {100 * chosen.accuracy:.2f}%)"
    if chosen.network == best.network:
        return f"{words}, which also has the best mean."
    times = best.parameters / chosen.parameters
    return (
        f"{words}; the best mean is that of {plain(best.network)}, {100 * best.accuracy:.2f}% with "
        f"{times:.1f} times as many parameters."
    )


def _table(choice: Choice) -> Table:
    shown = choice.candidates
    caption = (
        f"Candidates from cheap to dear; difference: accuracy less that of the best other, in "
        f"points, with Hsu's simultaneous 95% limits from {choice.seeds} paired seeds."
    )
    if len(shown) > MOST_SHOWN:
        shown = tuple(sorted(shown, key=lambda c: -c.accuracy)[:MOST_SHOWN])
        caption += f" Only the {MOST_SHOWN} best of {len(choice.candidates):,} are shown."
    heads = columns("network", "parameters", "accuracy", "from", "to", "within the margin", left=1)
    return Table(caption, heads, tuple(_row(candidate) for candidate in shown))


def _row(candidate: Candidate) -> tuple[str, ...]:
    return (
        plain(candidate.network),
        f"{candidate.parameters:,}",
        f"{candidate.accuracy:.4f}",
        f"{100 * candidate.low:+.2f}".replace("-", "−"),
        f"{100 * candidate.high:+.2f}".replace("-", "−"),
        "yes" if candidate.qualifies else "not shown",
    )
