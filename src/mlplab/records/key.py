"""The content key: what decides a run's result, and nothing else, hashed.

Two runs with equal keys have equal results on one machine, so one of them need not be run. Names,
figures and wording are not in the key; neither is where the data lie, since their digest is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from mlplab.declarations.initial_weights import Recorded
from mlplab.declarations.network import Network

NUMERICS = 9
"""Raise it when the same settings give other results than before (a formula, an order of random
draws, a default of a declaration), and only then: every recorded run becomes outdated."""

# And how they are read, which their digest tells too.
_WHERE_DATA_LIE = frozenset(
    {
        "name", "format", "path", "test_path", "label", "test",
        "train_images", "train_labels", "test_images", "test_labels",
        "target", "task", "ignore", "missing", "columns", "header", "separator", "decimal",
        "encoding", "sheet", "size", "color",
    }
)  # fmt: skip
_MISSING = object()


def key_content(
    network: Network,
    *,
    outputs: int,
    data_digest: str,
    seed: int,
    precision: str,
    device_kind: str,
    kernels: str | None = None,
    parent: str | None = None,
) -> str:
    """Return everything that decides a run's result, as canonical JSON.

    `outputs` is the number of output neurons as resolved on the data: to declare as many as there
    are classes is the same as to declare nothing. `data_digest` is that of the contents and their
    division into train and test; `device_kind` is cpu or cuda; `kernels` is the build of the compiled
    loop that trains the network, since builds differ in last bits, None where no build does; `parent` is
    the key of the run whose weights it begins with.
    """
    content = {
        "network": settings_of(network, outputs),
        "data": data_digest,
        "seed": seed,
        "precision": precision,
        "device": device_kind,
        "numerics": NUMERICS,
    }
    if kernels is not None:
        content["kernels"] = kernels
    if parent is not None:
        content["parent"] = parent
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def settings_of(network: Network, outputs: int) -> dict[str, Any]:
    """Return all settings of a network that decide its results, without seeds and places.

    The split of a repetition is told by the digest of the divided data.
    """
    settings = network.model_dump(
        mode="json", exclude_defaults=True, exclude={"seeds", "resampling"}
    )
    settings["outputs"] = outputs
    if isinstance(network.initial_weights, Recorded):
        # Which run it is, its key says; where it lies decides nothing.
        kept = network.initial_weights.layers
        settings["initial_weights"] = {"distribution": "recorded", "layers": kept}
    settings["data"] = {
        name: value for name, value in settings["data"].items() if name not in _WHERE_DATA_LIE
    }
    return settings


def key_of(content: str) -> str:
    """Return the key of `key_content`: its SHA-256, in hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()


def difference(before: str, after: str) -> str:
    """Say in words what makes the run `after` another one than `before` (both `key_content`)."""
    old, new = json.loads(before), json.loads(after)
    reasons = list(_changed_settings(old["network"], new["network"]))
    if old["data"] != new["data"]:
        reasons.append("the contents of the data changed")
    reasons += [
        _change(name, old.get(name, _MISSING), new.get(name, _MISSING))
        for name in ("seed", "precision", "device", "kernels", "parent")
        if old.get(name) != new.get(name)
    ]
    if old["numerics"] != new["numerics"]:
        reasons.append("mlplab has computed differently since")
    return "; ".join(reasons) or "nothing changed"


def _changed_settings(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    full_old, full_new = _with_defaults(old), _with_defaults(new)
    if full_old is None or full_new is None:
        # Settings of another version cannot be completed, so both are compared as they stand.
        full_old, full_new = old, new
    before, after = dict(_leaves(full_old)), dict(_leaves(full_new))
    shared = [name for name in after if name in before]
    changed = [name for name in shared if before[name] != after[name]]
    if not changed:
        # A setting that only one of the two has: another version of mlplab wrote the older one.
        changed = sorted(before.keys() ^ after.keys())
    for name in changed:
        yield _change(name, before.get(name, _MISSING), after.get(name, _MISSING))


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any] | None:
    """Fill in what the key leaves out because it is the default, so that words can name it.

    None for settings that this version of mlplab does not know.
    """
    stand_in = {**settings, "data": {"name": "digits", **settings["data"]}}
    try:
        network = Network.model_validate_json(json.dumps(stand_in))
    except ValueError:
        return None
    return network.model_dump(mode="json", exclude={"seeds": True, "data": {"name"}})


def _leaves(value: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        if isinstance(part, dict):
            yield from _leaves(part, f"{path}{name}.")
        else:
            yield f"{path}{name}", part


def _change(name: str, before: Any, after: Any) -> str:
    if before is _MISSING:
        return f"{name} is now {json.dumps(after)}"
    if after is _MISSING:
        return f"{name} was {json.dumps(before)}"
    return f"{name} was {json.dumps(before)}, is now {json.dumps(after)}"
