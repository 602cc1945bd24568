"""What a declaration expects, in words, read from its types.

Pydantic names the location of an error by fields, list positions and the tags of unions; following
the types along it tells tags from keys, and ends at the type whose words the reader needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, Discriminator, Tag
from pydantic.fields import FieldInfo

from mlplab.declarations.base import LARGEST_COUNT
from mlplab.declarations.problems import Where, quoted


@dataclass(frozen=True)
class TypeSpec:
    """A type with what is said about it: bounds, lengths, tags."""

    type: Any
    metadata: tuple[Any, ...] = ()

    @property
    def is_model(self) -> bool:
        return isinstance(self.type, type) and issubclass(self.type, BaseModel)

    @property
    def members(self) -> tuple[TypeSpec, ...]:
        """The types that a union joins; none if it is not one."""
        if get_origin(self.type) not in (Union, UnionType):
            return ()
        return tuple(type_spec(member) for member in get_args(self.type))

    @property
    def is_list_of_models(self) -> bool:
        """Whether it is a list of objects of one kind."""
        return get_origin(self.type) is tuple and type_spec(get_args(self.type)[0]).is_model

    def member_named(self, step: object) -> TypeSpec | None:
        """The object, or list of objects, of a union without tags that pydantic calls so."""
        if self.is_tagged:
            return None
        # A model is called by its name, or function-after[validator(), name].
        name = str(step).removesuffix("]").rpartition(" ")[2]
        if str(step).startswith("tuple["):
            found = [m for m in self.members if m.is_list_of_models]
        else:
            found = [m for m in self.members if m.is_model and m.type.__name__ == name]
        return found[0] if found else None

    @property
    def tag_key(self) -> str | None:
        """The key whose value says which member of a union is meant; None if no key does."""
        for item in self.metadata:
            if isinstance(item, FieldInfo) and isinstance(item.discriminator, str):
                return item.discriminator
        return None

    @property
    def is_tagged(self) -> bool:
        return self.tag_key is not None or any(
            isinstance(item, Discriminator) for item in self.metadata
        )

    def tag_choices(self) -> dict[str, list[str]]:
        """The keys that decide a tagged union, with what may stand there."""
        if self.tag_key is not None:
            return {self.tag_key: list(self.tagged())}
        choices: dict[str, list[str]] = {}
        for member in self.tagged().values():
            fields = member.type.model_fields.items()
            name, field = next((k, f) for k, f in fields if k in ("name", "format", "kind"))
            choices.setdefault(name, []).extend(get_args(field.annotation))
        return choices

    def keyed(self) -> dict[str, TypeSpec]:
        """The members of a union whose member shows by which key is there; none if it is no such one."""
        members = self.tagged() if self.is_tagged and self.tag_key is None else {}
        is_keyed = all(m.is_model and tag in m.type.model_fields for tag, m in members.items())
        return members if is_keyed else {}

    def tagged(self) -> dict[str, TypeSpec]:
        """The members of a tagged union by their tags."""
        found: dict[str, TypeSpec] = {}
        for member in self.members:
            if self.tag_key is not None:
                field = member.type.model_fields[self.tag_key]
                found.update(dict.fromkeys(get_args(field.annotation), member))
            else:
                found.update({m.tag: member for m in member.metadata if isinstance(m, Tag)})
        return found


def type_spec(annotation: Any) -> TypeSpec:
    """A type annotation, taken apart."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        within = type_spec(inner)
        return TypeSpec(within.type, (*within.metadata, *_flat(metadata)))
    return TypeSpec(annotation)


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    """Constraints stand alone or inside a Field; the words need them alone."""
    for item in metadata:
        yield item
        if isinstance(item, FieldInfo):
            yield from item.metadata


def field_type_spec(model: type[BaseModel], name: str) -> TypeSpec:
    """What a field of a declaration expects."""
    field = model.model_fields[name]
    within = type_spec(field.annotation)
    own = (field,) if field.discriminator is not None else ()
    return TypeSpec(within.type, (*within.metadata, *own, *_flat(field.metadata)))


def follow(start: TypeSpec, loc: Where) -> tuple[Where, TypeSpec]:
    """The path without the tags of unions, and what is expected at its end.

    A path to an unknown key ends with that key, and the expectation is the object's. A union
    without tags ends the path, as its members are described together, unless the path goes on into
    one of its objects or lists of objects.
    """
    here = start
    where: Where = ()
    for number, step in enumerate(loc, start=1):
        here = not_none(here)
        if here.is_tagged:
            members = here.tagged()
            if step not in members:
                break
            here = members[str(step)]
            continue
        member = here.member_named(step)
        if member is not None and (member.is_model or number < len(loc)):
            here = member
            continue
        if here.is_model:
            where = (*where, step)
            if step not in here.type.model_fields:
                break
            here = field_type_spec(here.type, str(step))
        elif get_origin(here.type) is tuple and isinstance(step, int):
            where = (*where, step)
            arguments = get_args(here.type)
            here = type_spec(
                arguments[0 if arguments[-1] is Ellipsis else min(step, len(arguments) - 1)]
            )
        elif get_origin(here.type) is dict:
            where = (*where, step)
            here = type_spec(get_args(here.type)[1])
        else:
            break
    return where, here


def not_none(here: TypeSpec) -> TypeSpec:
    """An optional type's other half, which is where an error inside it lies."""
    rest = [member for member in here.members if member.type is not NoneType]
    if len(rest) == 1 and len(here.members) == 2:
        return TypeSpec(rest[0].type, (*rest[0].metadata, *here.metadata))
    return here


def words(here: TypeSpec, *, plural: bool = False) -> str:
    """What is expected, as the object of "expected": "a whole number of at least 1"."""
    here_type = here.type
    within = not_none(here)
    if within is not here:
        return f"{words(within, plural=plural)} or null"
    if here.members:
        return _union_words(here, plural)
    if here_type is NoneType:
        return "null"
    if get_origin(here_type) is Literal:
        return _literal_words(get_args(here_type), plural)
    if get_origin(here_type) is tuple:
        return _list_words(here, plural)
    if get_origin(here_type) is dict:
        return ("objects" if plural else "an object") + " that has at least one key"
    if here.is_model:
        return ("objects with " if plural else "an object with ") + _key_words(here_type)
    singular, several = _NAMES.get(here_type, ("a value", "values"))
    return (several if plural else singular) + _bounds(here)


_NAMES = {
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
}


def _literal_words(options: tuple[Any, ...], plural: bool) -> str:
    if len(options) == 1:
        return quoted(options)
    return ("any of " if plural else "one of ") + quoted(options)


def _union_words(here: TypeSpec, plural: bool) -> str:
    if here.keyed():
        return f"an object with one of the keys {quoted(here.keyed())}"
    if here.is_tagged:
        choices = [f"{key} is one of {quoted(o)}" for key, o in here.tag_choices().items()]
        return f"an object whose {' or whose '.join(choices)}"
    return " or ".join(dict.fromkeys(words(member, plural=plural) for member in here.members))


def _list_words(here: TypeSpec, plural: bool) -> str:
    arguments = get_args(here.type)
    if arguments[-1] is not Ellipsis:
        kinds = f"{len(arguments)} {words(type_spec(arguments[0]), plural=True)}"
    else:
        kinds = words(type_spec(arguments[0]), plural=True)
    fewest = max((i.min_length for i in here.metadata if isinstance(i, MinLen)), default=0)
    most = min((i.max_length for i in here.metadata if isinstance(i, MaxLen)), default=None)
    if most is not None:
        kinds = f"at most {most} {kinds}"
    if fewest > 1:
        kinds = f"at least {fewest} {kinds}"
    filled = "non-empty " if fewest == 1 else ""
    return f"{filled}lists of {kinds}" if plural else f"a {filled}list of {kinds}"


def _key_words(model: type[BaseModel]) -> str:
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    if not needed:
        return f"any of the keys {quoted(model.model_fields)}"
    return f"the key{'s' if len(needed) > 1 else ''} {quoted(needed)}"


def _bounds(here: TypeSpec) -> str:
    low = high = ""
    for item in here.metadata:
        match item:
            case Ge(ge=int() | float() as bound) if bound > -LARGEST_COUNT:
                low = f"of at least {bound}"
            case Gt(gt=bound):
                low = f"above {bound}"
            case Le(le=bound) if bound != LARGEST_COUNT:
                high = f"of at most {bound}"
            case MaxLen(max_length=bound):
                high = f"of at most {bound} characters"
            case Lt(lt=int() | float() as bound) if bound <= 2**32:
                high = f"below {bound}"
    bounds = " and ".join(part for part in (low, high) if part)
    return f" {bounds}" if bounds else ""
