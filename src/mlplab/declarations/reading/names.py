"""Names of studies and networks, and titles: the first become folders, the others words on the
screen."""

from __future__ import annotations

import re
import unicodedata

LONGEST_STUDY = 100
LONGEST_NETWORK = 200
EVERY_NETWORK = "all"
"""The word that selects every network, so no network may bear it."""

_FORBIDDEN = '<>:"/\\|?*'
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10)}


def fault_of_study_name(name: str) -> str | None:
    """Why a name is no plain file name on every usual system, None if it is one."""
    if not name.strip():
        return "an empty one"
    if any(_unprintable(sign) for sign in name):
        return "a control character in it"
    found = [sign for sign in name if sign in _FORBIDDEN]
    if found:
        return f"the sign {found[0]} in it"
    if name.startswith("."):
        return "a dot at its start"
    if name != name.strip() or name.endswith("."):
        return "a space or dot at its end" if name == name.lstrip() else "a space at its start"
    if len(name) > LONGEST_STUDY or len(name.encode()) > 2 * LONGEST_STUDY:
        return f"{len(name)} characters (at most {LONGEST_STUDY})"
    if name.split(".")[0].casefold() in _RESERVED:
        return "a name that Windows keeps for devices"
    return None


def fault_of_network_name(name: str) -> str | None:
    """Why a name cannot be a network's, None if it can."""
    if not name.strip():
        return "an empty one"
    if any(_unprintable(sign) for sign in name):
        return "a control character in it"
    if name != name.strip():
        return "a space at its start or end"
    if len(name) > LONGEST_NETWORK:
        return f"{len(name)} characters (at most {LONGEST_NETWORK})"
    if name == EVERY_NETWORK:
        return 'the word "all", which selects every network'
    return None


def fault_of_line(text: str) -> str | None:
    """Why a text cannot stand on one line of a screen and in a picture, None if it can."""
    if not text.strip():
        return "an empty one"
    return "a control character in it" if any(_unprintable(sign) for sign in text) else None


def _unprintable(sign: str) -> bool:
    # The last two are no characters, and no XML, hence no picture, may hold them.
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in "\ufffe\uffff"


def plain(name: str) -> str:
    """The nearest name that a study may have."""
    name = "".join("-" if s in _FORBIDDEN or _unprintable(s) else s for s in name)
    name = re.sub(r"^[.\s]+|[.\s]+$", "", name)[:LONGEST_STUDY].rstrip(". ")
    while len(name.encode()) > 2 * LONGEST_STUDY:
        name = name[:-1]
    return name if fault_of_study_name(name) is None else f"study-{name}".rstrip("-")
