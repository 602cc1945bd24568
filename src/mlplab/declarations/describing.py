"""The words under each field of a declaration, brought into its JSON Schema when that is wanted.

Pydantic can do this whenever a class is made (`use_attribute_docstrings`), but reads every source
file again for it, which would take longer than all the rest of a check.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from pydantic import BaseModel

_described: set[type[BaseModel]] = set()


def describe(root: type[BaseModel]) -> None:
    """Describe the fields of every declaration made so far."""
    # A class is rebuilt after those that it refers to, which were made before it.
    for model in _descendants(root):
        if model in _described:
            continue
        _described.add(model)
        for ancestor in reversed(model.__mro__):
            for name, words in _docstrings(ancestor).items():
                if name in model.model_fields:
                    model.model_fields[name].description = words
        model.model_rebuild(force=True)


def _descendants(root: type[BaseModel]) -> list[type[BaseModel]]:
    found = []
    for child in root.__subclasses__():
        found += [child, *_descendants(child)]
    return found


def _docstrings(owner: type) -> dict[str, str]:
    """The text that follows each annotated field in the body of a class."""
    body = _classes(owner.__module__).get(owner.__qualname__)
    if body is None:
        return {}
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    if not module.startswith("mlplab."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
