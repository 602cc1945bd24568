"""What accuracy costs."""

from __future__ import annotations

from mlplab.figures.trade_off import Cost, trade_off_figure
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Note, Paragraph, Pictures


def chapter(context: Context) -> Chapter | None:
    """Accuracy against parameters and seconds, and arithmetic where that is another order."""
    ranking, summary = context.ranking, context.summary
    if ranking is None or len(ranking.networks) < 2:
        return None
    costs: list[Cost] = ["parameters"]
    ranked = [context.results.study.networks[name] for name in ranking.networks]
    trainings = {(n.training.steps, n.training.batch_size) for n in ranked}
    if len(trainings) > 1:
        costs.append("training_flops")
    costs.append("seconds")
    found = [
        trade_off_figure(summary, ranking, cost, f"cost-{cost.replace('_', '-')}") for cost in costs
    ]
    figures = [figure for figure in found if figure is not None]
    if not figures:
        return None
    blocks: list[Block] = [
        Paragraph(
            "A network on the dashed front is beaten by no other in accuracy and cost at once. "
            "The front is drawn through means; where intervals overlap it may run otherwise."
        ),
        *(Pictures((figure,)) for figure in figures),
        Note(
            "Networks of one shape train side by side in a stack, whose time is divided evenly "
            "among them; seconds compare shapes, not optimizers.",
            "About the seconds",
        ),
    ]
    return Chapter("cost", "Accuracy and cost", tuple(blocks))
