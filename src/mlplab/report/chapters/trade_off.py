"""What accuracy costs."""

from __future__ import annotations

from mlplab.figures.trade_off import COSTS, trade_off_figure
from mlplab.report.context import Context
from mlplab.report.document import Chapter, Note, Paragraph, Pictures


def chapter(context: Context) -> Chapter | None:
    """Accuracy against parameters, arithmetic and seconds, on the split that networks are
    chosen by."""
    ranking, summary = context.choice, context.summary
    if ranking is None or len(ranking.networks) < 2:
        return None
    found = [
        trade_off_figure(summary, ranking, cost, f"cost-{cost.replace('_', '-')}") for cost in COSTS
    ]
    pictures = [Pictures((figure,)) for figure in found if figure is not None]
    if not pictures:
        return None
    front = Paragraph(
        "The dashed line is the Pareto front: no other network is at least as good and as "
        "cheap as one on it. It is drawn through means; where intervals overlap it may differ."
    )
    warning = Note(
        "Results are of the test set, as not every network has a validation part. Whoever takes a "
        f"network from the front has let the test set choose, and its {ranking.title} there is "
        "optimistic.",
        "The test set is shown",
    )
    seconds = Note(
        "Networks of one shape train side by side in a stack, whose time is divided evenly "
        "among them: seconds compare shapes, not optimizers, and seeds that trained together are "
        "one measurement.",
        "About the seconds",
    )
    warnings = [warning] if ranking.split == "test" else []
    title = f"{ranking.title[0].upper()}{ranking.title[1:]} and cost"
    return Chapter("cost", title, (front, *warnings, *pictures, seconds))
