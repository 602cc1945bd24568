"""`mlplab check`: every mistake in a study, before anything is trained."""

from __future__ import annotations

from mlplab.commands import options
from mlplab.commands.studies import extent, print_audits, read


def check(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
) -> None:
    """Find every mistake in a study, without training anything.

    \b
    Examples:
      mlplab check my-study.json
      mlplab check folder/of/config/files
      mlplab check my-study.json wide deep --seeds 5 --set training.steps=500

    All problems are told at once, one a line: where, what was expected, what came, and how to mend
    it. Exit code 2 says that there was one. Of each question is told what differs between its
    networks besides what is meant to.
    """
    checked = read(study, networks, overrides, seeds)
    for note in checked.notes:
        print(f"note: {note}")
    print_audits(checked)
    print(f"fine: {extent(checked)}")
