"""What is checked of a template's words before they are kept, and of data before it is used."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from channels.rendering import check, variables
from domain.contract.content import Content
from domain.contract.template import TemplateVersionRequest
from domain.errors import FieldError, Invalid
from domain.preference_links import EXAMPLES
from domain.template import TemplateVersion

_REFERENCES: Final = ("$ref", "$dynamicRef")
_MOST_ERRORS: Final = 20
SUPPLIED: Final = frozenset({"code", "ttl_minutes", *EXAMPLES})
"""What words are given without asking: links by every message, the rest by one-time passwords."""

_LONGEST_MESSAGE: Final = 200


def words_of(content: Content) -> dict[str, Any]:
    """Return content as it is stored, by the contract's names."""
    dumped: dict[str, Any] = content.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def version_of(
    template_id: UUID,
    number: int,
    request: TemplateVersionRequest,
    author: str,
    uses: Collection[str] = (),
) -> dict[str, Any]:
    """Return a version as it is stored."""
    return {
        "template_id": template_id,
        "version": number,
        "locale": request.locale,
        "content": words_of(request.content),
        "locales": {name: words_of(content) for name, content in request.locales.items()},
        "schema": request.schema_,
        "author": author,
        "note": request.note,
        "uses": sorted(uses),
        "escalation": request.escalation.document() if request.escalation else None,
    }


def check_request(request: TemplateVersionRequest) -> None:
    """Raise Invalid for a repeated locale or a wrong schema."""
    errors = []
    seen = {_canonical(request.locale)}
    for locale in request.locales:
        if _canonical(locale) in seen:
            errors.append(FieldError(f"locales.{locale}", "is the default locale or given twice"))
        seen.add(_canonical(locale))
    errors += _check_schema(request.schema_)
    if errors:
        raise Invalid(errors=errors)


def check_words(version: TemplateVersion) -> list[FieldError]:
    """Return what is wrong with the template syntax of a version with its partials in place."""
    errors = check(version.content)
    for locale, content in version.locales.items():
        errors += [
            FieldError(f"locales.{locale}{error.field.removeprefix('content')}", error.message)
            for error in check(content)
        ]
    return errors


def check_data(version: TemplateVersion, data: Mapping[str, Any]) -> list[FieldError]:
    """Return where data breaks the version's JSON Schema, if it has one, as `data.<path>`.

    Links that are supplied may be declared and even required: they are always there.
    """
    if not version.schema:
        return []
    # A registry of its own: references must never be fetched from the network.
    validator = Draft202012Validator(version.schema, registry=Registry())
    errors: list[FieldError] = []
    try:
        for found in validator.iter_errors({**_declared_links(version.schema), **data}):
            errors += _data_errors(found)
            if len(errors) >= _MOST_ERRORS:
                break
    except RecursionError:
        return [FieldError("data", "cannot be checked: the template's schema refers to itself")]
    return list(dict.fromkeys(errors))


def refuse_supplied(data: Mapping[str, Any]) -> list[FieldError]:
    """Return an error for each link in a client's data that messages are given by themselves.

    Publishing takes these names as the way to leave, so nothing else may stand behind them.
    """
    told = "is supplied for each recipient; leave it out, or give your own link another name"
    return [FieldError(f"data.{name}", told) for name in EXAMPLES if name in data]


def _declared_links(schema: Mapping[str, Any]) -> dict[str, str]:
    declared = schema.get("properties")
    names = {*(declared if isinstance(declared, Mapping) else ()), *_listed(schema.get("required"))}
    return {name: link for name, link in EXAMPLES.items() if name in names}


def undeclared(version: TemplateVersion) -> list[str]:
    """Return the variables that the words use and the schema does not declare, if there is one."""
    if not version.schema:
        return []
    declared = version.schema.get("properties")
    known = set(declared) if isinstance(declared, Mapping) else set()
    used: set[str] = set()
    for words in (version.content, *version.locales.values()):
        used |= variables(words)
    return sorted(used - known - SUPPLIED)


def is_open(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says that there may be data which it does not list."""
    more = schema.get("additionalProperties", False)
    listed = isinstance(schema.get("properties"), Mapping)
    return not listed or more is not False or "patternProperties" in schema


def check_examples(schema: Mapping[str, Any]) -> list[FieldError]:
    """Return the defaults and examples of a schema that do not fit it, by their paths."""
    errors = [
        FieldError(f"schema.examples[{number}]", f"does not fit: {fault}")
        for number, given in enumerate(_listed(schema.get("examples")))
        if (fault := _misfit(schema, schema, given))
    ]
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(part, Mapping):
            continue
        path = f"schema.properties.{name}"
        given = {f"{path}.default": part["default"]} if "default" in part else {}
        for number, one in enumerate(_listed(part.get("examples"))):
            given[f"{path}.examples[{number}]"] = one
        errors += [
            FieldError(field, f"does not fit: {fault}")
            for field, value in given.items()
            if (fault := _misfit(part, schema, value))
        ]
    return errors


def _misfit(part: Mapping[str, Any], whole: Mapping[str, Any], value: Any) -> str | None:
    """Return why a value does not fit a part of a schema, whose references mean the whole."""
    apart = {**part, "$defs": whole.get("$defs", {})}
    try:
        found = next(Draft202012Validator(apart, registry=Registry()).iter_errors(value), None)
    except (RecursionError, Unresolvable):
        return None
    return _short(found.message) if found else None


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _check_schema(schema: Mapping[str, Any]) -> list[FieldError]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [FieldError(_path("schema", error.absolute_path), _short(error.message))]
    except RecursionError:
        return [FieldError("schema", "is nested too deeply")]
    resolver = Registry().with_resource("", _resource(schema)).resolver()
    errors = []
    for path, reference in _references(schema, "schema"):
        try:
            if not reference.startswith("#"):
                raise Unresolvable(ref=reference)
            resolver.lookup(reference)
        except Unresolvable:
            errors.append(FieldError(path, "must point to a part of this schema, as #/$defs/…"))
    return errors


def _resource(schema: Mapping[str, Any]) -> Resource[Any]:
    return Resource.from_contents(schema, default_specification=DRAFT202012)


def _references(schema: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in _REFERENCES and isinstance(value, str):
                yield f"{path}.{key}", value
            else:
                yield from _references(value, f"{path}.{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from _references(value, f"{path}[{number}]")


def _data_errors(error: ValidationError) -> list[FieldError]:
    path = _path("data", error.absolute_path)
    wanted, given = error.validator_value, error.instance
    if error.validator == "required" and isinstance(wanted, list) and isinstance(given, Mapping):
        absent = [name for name in wanted if name not in given]
        return [
            FieldError(f"{path}.{name}", "is required by the template's schema") for name in absent
        ]
    return [FieldError(path, _short(error.message))]


def _path(root: str, parts: Iterable[str | int]) -> str:
    path = root
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def _canonical(locale: str) -> str:
    return locale.replace("_", "-").lower()
