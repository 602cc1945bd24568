"""The tests that decide, and where to read about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlplab.analysis.questions.finding import Finding, TestName


@dataclass(frozen=True)
class Method:
    """A test in words."""

    name: str
    what: str
    read: str
    """The source of the method."""


METHODS: Mapping[TestName, Method] = {
    "sign-flip": Method(
        "exact sign-flip test",
        "If two networks were alike, each seed's difference could as well have the other sign; "
        "the test counts the sign patterns whose mean is as extreme as the one seen.",
        "Fisher (1935), The Design of Experiments, §21; Pitman (1937), J. R. Stat. Soc. Suppl. 4",
    ),
    "equivalence": Method(
        "two one-sided exact sign-flip tests",
        "The difference is shown to lie above the lower margin and below the upper one.",
        "Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657-680",
    ),
    "resampled": Method(
        "corrected resampled t test",
        "Each repetition has its own training and test rows. Their differences resemble each other, "
        "as training rows overlap, so the variance of the mean is taken as s²·(1/n + test/train) "
        "instead of s²/n.",
        "Nadeau and Bengio (2003), Mach. Learn. 52, 239-281; Bouckaert and Frank (2004), PAKDD, 3-12",
    ),
    "log-rank": Method(
        "log-rank test permuted within seeds",
        "Times to the target are compared by who is still on the way when another arrives; a run "
        "that never arrives ranks last. Within each seed the networks are exchanged.",
        "Mantel (1966), Cancer Chemother. Rep. 50, 163-170; Peto and Peto (1972), "
        "J. R. Stat. Soc. A 135, 185-207",
    ),
    "sign": Method(
        "exact sign test",
        "It counts the seeds in which the first is above the second; a diverged run counts as "
        "worst, so medians take the place of means.",
        "Thompson (1936), Ann. Math. Stat. 7, 122-128",
    ),
    "page": Method(
        "Page's exact trend test",
        "Within each seed the networks are ranked; the test asks how often ranks would follow the "
        "claimed order as closely if every order were as likely.",
        "Page (1963), J. Am. Stat. Assoc. 58, 216-230",
    ),
    "friedman": Method(
        "Friedman's test by permutation, then Holm-corrected sign-flip tests of all pairs",
        "Within each seed the networks are ranked; the test asks whether average ranks differ by "
        "more than chance, and where they do, which pairs are told apart.",
        "Friedman (1937), J. Am. Stat. Assoc. 32, 675-701; Demšar (2006), J. Mach. Learn. Res. 7, "
        "1-30; Holm (1979), Scand. J. Stat. 6, 65-70",
    ),
}

_SAME_MEAN = (
    "If the mean over all seeds were the number asked about, and values lay evenly to both sides "
    "of it, each seed could as well lie as far on the other side; the test counts the sign patterns "
    "whose mean is as extreme as the one seen."
)
METHODS_OF_LEVELS: Mapping[TestName, Method] = {
    **METHODS,
    "sign-flip": replace(METHODS["sign-flip"], what=_SAME_MEAN),
    "equivalence": replace(
        METHODS["equivalence"],
        what="The mean is shown to lie above the lower end of the margin and below the upper one.",
    ),
    "sign": replace(
        METHODS["sign"],
        what="It counts the seeds that lie above the number; a diverged run counts as worst, so the "
        "median takes the place of the mean.",
    ),
}
"""The same tests in words that fit one network and a number."""


def method_of(finding: Finding, *, of_level: bool = False) -> Method:
    """The test that decided; of_level: in words that fit one network and a number."""
    method = (METHODS_OF_LEVELS if of_level else METHODS)[finding.test]
    if not finding.counts_rows:
        return method
    return Method(
        f"{method.name} with rows counted",
        f"{method.what} The limits for seeds are joined with limits for the rows, exact ones of a "
        "fraction and smoothed ones of a difference, as all seeds share the rows.",
        f"{method.read}; Clopper and Pearson (1934), Biometrika 26, 404-413; Bonett and Price "
        "(2012), J. Educ. Behav. Stat. 37, 479-488; Zou and Donner (2008), Stat. Med. 27, 1693-1702",
    )
