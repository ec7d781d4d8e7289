"""Templates as files that can be reviewed: a folder each, with YAML and the long texts beside it.

    order-shipped/template.yaml     key, name, category, priority, digest, locale, content, …
    order-shipped/en.email.mjml     a long text, in place of which the YAML says {file: …}
    _partials/footer/partial.yaml

A text file ends with one line break more than the text has, as editors like it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from cli.embedded.trouble import Trouble
from domain.contract.base import Request
from domain.contract.template import PartialRequest, TemplateRequest

PARTIALS: Final = "_partials"
_MOST_BYTES: Final = 5_000_000
_OTHER_BREAKS: Final = "\x85\u2028\u2029"
_TEXTS: Final = {"text": "txt", "html": "html"}
"""Fields that stand in files of their own, and how those are named."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes texts of several lines as they read."""


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    if any(char in text for char in _OTHER_BREAKS):
        style = '"'  # YAML 1.1 reads them as line breaks; escaped they stay what they are
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_template(folder: Path, document: Mapping[str, Any]) -> None:
    """Write a template's {key, name, …, locales, schema} into its own folder of a folder."""
    place = folder / document["key"]
    texts: dict[str, str] = {}
    languages = {document["locale"]: document["content"], **document["locales"]}
    made = {name: _apart(name, words, texts) for name, words in languages.items()}
    content = made.pop(document["locale"])
    shown = {**document, "content": content, "locales": made}
    _write(place, "template.yaml", {name: one for name, one in shown.items() if one}, texts)


def write_partial(folder: Path, document: Mapping[str, Any]) -> None:
    """Write a partial's {key, source, locales} into its own folder."""
    texts = {"source.html": document["source"]}
    texts |= {f"{locale}.html": source for locale, source in document["locales"].items()}
    locales = {locale: {"file": f"{locale}.html"} for locale in document["locales"]}
    shown = {"key": document["key"], "source": {"file": "source.html"}, "locales": locales}
    _write(folder / PARTIALS / document["key"], "partial.yaml", shown, texts)


def read_templates(folder: Path) -> list[TemplateRequest]:
    """Return the templates of a folder; raises Trouble that names the file and what is wrong."""
    found = sorted(folder.glob("*/template.yaml"))
    return [_checked(path, TemplateRequest) for path in found if path.parent.name != PARTIALS]


def read_partials(folder: Path) -> list[PartialRequest]:
    """Return the partials of a folder; raises Trouble."""
    return [
        _checked(path, PartialRequest) for path in sorted(folder.glob(f"{PARTIALS}/*/partial.yaml"))
    ]


def _apart(locale: str, words: Mapping[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """Return a content whose long texts are names of files; those are added to `texts`."""
    made: dict[str, Any] = {}
    for channel, fields in words.items():
        made[channel] = dict(fields)
        for field, ending in _TEXTS.items():
            text = fields.get(field)
            if isinstance(text, str):
                mjml = field == "html" and "<mjml" in text
                name = f"{locale}.{channel}.{'mjml' if mjml else ending}"
                texts[name] = text
                made[channel][field] = {"file": name}
    return made


def _write(place: Path, name: str, shown: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    kept = {name, *texts}
    for path in place.iterdir():
        if path.suffix in (".txt", ".html", ".mjml") and path.name not in kept:
            path.unlink()
    document = yaml.dump(
        dict(shown), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    (place / name).write_text(document, encoding="utf-8", newline="\n")
    for file, text in texts.items():
        (place / file).write_bytes((text + "\n").encode())


def _checked(path: Path, model: type[Any]) -> Any:
    if path.stat().st_size > _MOST_BYTES:
        raise Trouble(f"{path} has more than {_MOST_BYTES:,} bytes.")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Trouble(f"{path} is not YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(document, dict):
        raise Trouble(f"{path} must hold key, content and so on.")
    try:
        made: Request = model.model_validate(_together(document, path.parent))
    except ValidationError as error:
        wrong = "; ".join(_told(error))
        raise Trouble(f"{path}: {wrong}") from None
    if getattr(made, "key", None) != path.parent.name:
        raise Trouble(f"{path}: key must be {path.parent.name}, as its folder.")
    return made


def _together(value: Any, place: Path) -> Any:
    """Return a document with the texts of its files in place."""
    if isinstance(value, dict):
        if set(value) == {"file"} and isinstance(value["file"], str):
            return _text(place, value["file"])
        return {name: _together(item, place) for name, item in value.items()}
    if isinstance(value, list):
        return [_together(item, place) for item in value]
    return value


def _text(place: Path, name: str) -> str:
    path = place / name
    if Path(name).name != name or path.is_symlink():
        raise Trouble(f"{place}: {name} must be a file of this folder.")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Trouble(f"{path} has more than {_MOST_BYTES:,} bytes.")
        return path.read_bytes().decode().removesuffix("\n")
    except OSError:
        raise Trouble(f"{path} is named in {place.name} and missing.") from None
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not UTF-8.") from None


def _told(error: ValidationError) -> Iterator[str]:
    for one in error.errors()[:10]:
        yield f"{'.'.join(str(part) for part in one['loc'])} {one['msg']}"
