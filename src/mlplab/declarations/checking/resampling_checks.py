"""What cannot be asked of a study whose data are split repeatedly."""

from __future__ import annotations

from collections.abc import Iterator

from mlplab.declarations.data import CsvData, NpzData, TableData
from mlplab.declarations.metric import target_of
from mlplab.declarations.problems import Problem
from mlplab.declarations.question import LevelQuestion, PairQuestion
from mlplab.declarations.study import Study


def resampling_problems(study: Study) -> Iterator[Problem]:
    """All networks share one resampling, of data that can be split, and what is asked allows it."""
    declared = {network.resampling for network in study.networks.values()}
    if declared <= {None}:
        return
    if len(declared) > 1:
        yield Problem(
            ("resampling",),
            "the same repetitions for every network, so that networks are compared in pairs",
            "different ones",
            "write it once, at the top of the study",
        )
    yield from dict.fromkeys(_of_data(study))
    for key in ("tune", "open_set"):
        if getattr(study, key):
            yield Problem(
                (key,),
                f'no "{key}" beside "resampling"',
                f'"{key}"',
                "rows that one repetition tests would decide in another; split once instead",
            )
    if study.until_decided is not None:
        yield Problem(
            ("resampling",),
            'one of "resampling" and seeds until decided',
            "both",
            "more repetitions of the same data tell ever less, so they are counted beforehand; remove one",
        )
    for number, question in enumerate(study.questions):
        is_pair = isinstance(question, PairQuestion | LevelQuestion)
        if not is_pair or target_of(question.metric) is not None:
            yield Problem(
                ("questions", number),
                'a question that compares two networks, or one with a number, by a value: "resampling"'
                " has no corrected test of others",
                "one of steps or seconds" if is_pair else "one of three networks and more",
                'ask with "compare" and {"final": "accuracy"}',
            )


def _of_data(study: Study) -> Iterator[Problem]:
    for network in study.networks.values():
        data = network.data
        if not isinstance(data, CsvData | TableData | NpzData):
            received, hint = "data that are divided already", "give a table or an archive"
        elif getattr(data, "test_path", None) is not None or data.test is not None:
            received, hint = "a test part of their own", 'remove "test" and "test_path" from data'
        elif getattr(data, "order", None) is not None:
            received, hint = "data in an order of time", 'remove "order", or "resampling"'
        else:
            continue
        yield Problem(("resampling",), "data whose rows are divided anew each time", received, hint)
