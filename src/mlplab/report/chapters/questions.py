"""The study's questions and their answers, before all else."""

from __future__ import annotations

from collections import Counter

from mlplab.analysis.questions.answers import Answer, questions_given_up
from mlplab.analysis.questions.finding import FALSE_VERDICTS
from mlplab.declarations.question import LevelQuestion, RankingQuestion
from mlplab.figures.effects import effect_figure
from mlplab.figures.evidence import evidence_figure
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Details,
    Heading,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.report.ranked_pairs import pairs_blocks
from mlplab.words import by_count, count, p_in_column

MOST_OPEN = 2
"""Beyond so many questions their figures are folded away."""
MOST_DRAWN = 40
"""Beyond so many questions only the first are drawn."""
MOST_TOLD = 200
"""Beyond so many questions only the first have a section and a line of the table."""
_WORDS = {
    "supported": "supported",
    "refuted": "refuted",
    "same": "same",
    "inconclusive": "not decided",
    "undecidable": "undecidable with these seeds",
}


def chapter(context: Context) -> Chapter | None:
    """One section a question; None for a study that asks none."""
    answers = context.answers
    if not answers:
        return None
    blocks: list[Block] = [
        Paragraph(_summary(answers, questions_given_up(context.results)), lead=True)
    ]
    if len(answers) > 1:
        blocks.append(_table(answers))
    for number, answer in enumerate(answers[:MOST_TOLD], start=1):
        blocks += _section(number, answer, is_open=len(answers) <= MOST_OPEN)
    if len(answers) > MOST_TOLD:
        blocks.append(Paragraph(f"The first {MOST_TOLD} of {count(len(answers), 'question')}."))
    return Chapter("questions", "Questions and answers", tuple(blocks))


def _summary(answers: tuple[Answer, ...], given_up: int) -> str:
    counts = Counter[str](answer.finding.verdict for answer in answers)
    told = [f"{counts[verdict]} {words}" for verdict, words in _WORDS.items() if counts[verdict]]
    late, asked = sum(not answer.is_registered for answer in answers), len(answers)
    words = by_count(asked, "One question was asked: ", "{n} questions were asked: ")
    words += f"**{', '.join(told)}**. "
    when = (
        "It was written down before training.",
        "All of them were written down before training.",
    )
    if late:
        when = ("It was asked afterwards.", "{late} of them were asked afterwards.")
    words += by_count(asked, *when, late=late)
    if asked > 1:
        words += f" Intervals and p-values are corrected for all {asked}"
        words += (
            f", so that among networks that differ by chance alone the chance of any false verdict "
            f"is at most {FALSE_VERDICTS:.0%}."
            if not late
            else ", which promises nothing for questions that were asked after a look at results."
        )
    if any(answer.looks for answer in answers):
        words += _about_looks(answers)
    if given_up:
        words += by_count(
            given_up,
            " 1 other was asked in this folder and no longer is in the study, or asked of other "
            "settings; no verdict allows for that.",
            " {n} others were asked in this folder and no longer are in the study, or asked of "
            "other settings; no verdict allows for that.",
        )
    return words


def _about_looks(answers: tuple[Answer, ...]) -> str:
    states = Counter[str](answer.looks.state for answer in answers if answer.looks)
    told = {
        "open": "more seeds to be added to {n}",
        "not worth it": "{n} not worth more seeds",
        "at most": "{n} at the most seeds allowed",
    }
    left = [words.format(n=states[state]) for state, words in told.items() if states[state]]
    words = " Seeds are added in rounds until each is decided; this holds at every stop."
    return words + (f" Of those not decided: {', '.join(left)}." if left else "")


def _table(answers: tuple[Answer, ...]) -> Table:
    rows = tuple(
        (
            f"{number}. {plain(answer.question.ask)}",
            f"**{_verdict(answer)}**",
            plain(answer.wording.effect),
            _interval(answer),
            plain(answer.tested),
            plain(p_in_column(answer.p_value)),
            f"{answer.finding.seeds}",
        )
        for number, answer in enumerate(answers[:MOST_TOLD], start=1)
    )
    heads = (
        *columns("question", "verdict", "effect", "interval", left=2),
        *columns("tested", "p", "seeds"),
    )
    caption = (
        "The questions at a glance: mean paired differences with simultaneous 95% intervals. p, "
        "corrected as they are, is small where the seeds speak for what was tested: what the "
        f"verdict says, or what was asked where nothing is decided, as p > {FALSE_VERDICTS} tells."
    )
    if any(isinstance(answer.question, LevelQuestion) for answer in answers):
        caption += " Where one network is held against a number, its mean stands there itself."
    return Table(caption, heads, rows)


def _verdict(answer: Answer) -> str:
    """In a word; a "which" is not supported, its networks differ or not."""
    if isinstance(answer.question, RankingQuestion) and answer.finding.verdict == "supported":
        return "they differ"
    return _WORDS[answer.finding.verdict]


def _interval(answer: Answer) -> str:
    if answer.finding.effect is None or answer.finding.effect != answer.finding.effect:
        return "–"
    return plain(answer.wording.interval.removeprefix("that "))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _led(sentence: str) -> str:
    """The sentence with the verdict that it begins with in bold."""
    head, _, rest = sentence.partition(": ")
    return f"**{plain(head)}.** {plain(_capital(rest))}"


def _section(number: int, answer: Answer, *, is_open: bool) -> list[Block]:
    """The question and its answer; of one among many, all else is folded away."""
    shown: list[Block] = [
        Heading(f"{number}. {plain(answer.question.ask)}", f"question-{number}"),
        Paragraph(_led(answer.sentence)),
    ]
    drawn = (
        (effect_figure(answer, f"question-{number}"), evidence_figure(answer, f"path-{number}"))
        if number <= MOST_DRAWN
        else ()
    )
    more = [Pictures((figure,)) for figure in drawn if figure is not None]
    if is_open:
        shown += more
        more = []
    asked = "before training" if answer.is_registered else "afterwards"
    found = [plain(sentence) for sentence in answer.audit.sentences]
    found += [plain(caveat) for caveat in answer.caveats]
    method = plain(
        f"{_capital(answer.method.name)}. {answer.method.what} Read: {answer.method.read}."
    )
    folded = (*more, *pairs_blocks(answer), Bullets((*found, method)))
    return [*shown, Details(f"What it rests on: {answer.method.name}; asked {asked}", folded)]
