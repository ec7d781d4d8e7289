"""Filters and paths of SCIM (RFC 7644 §3.4.2.2, §3.5.2), parsed; besides what Entra sends:
`emails[type eq "work"].value eq "x"`.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Final

from domain.scim.errors import ScimRefusal, invalid_filter, invalid_path
from domain.scim.expressions import And, Compare, Filter, Not, Op, Or, Path, Some, Target, Value
from domain.scim.schemas import GROUP, USER, canonical_urn
from domain.storable import storable_text

MOST_TOKENS: Final = 500
_DEEPEST: Final = 20
_LONGEST: Final = 8_000
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.:]))
      | (?P<word>[A-Za-z$][\w$:.-]*)
      | (?P<inner>\.[A-Za-z$][\w$-]*)
      | (?P<sign>[()\[\]])
      | (?P<end>$)
    )""",
    re.VERBOSE | re.ASCII,
)
_NAME: Final = re.compile(r"[A-Za-z$][\w$-]*", re.ASCII)


def parse_filter(text: str) -> Filter:
    """Return a filter; raises ScimRefusal (invalidFilter) that says what is wrong and where."""
    parser = _Parser(text, invalid_filter)
    found = parser.either(0)
    parser.end()
    return found


def parse_target(text: str) -> Target:
    """Return the target of a path; raises ScimRefusal (invalidPath)."""
    parser = _Parser(text, invalid_path)
    found = parser.target()
    parser.end()
    return found


class _Parser:
    """Reads one text; the first mistake ends it."""

    def __init__(self, text: str, refusal: Callable[[str], ScimRefusal]) -> None:
        self._text = text
        self._refusal = refusal
        if len(text) > _LONGEST:
            raise refusal(f"It is longer than {_LONGEST:,} characters.")
        self._tokens = list(self._read())
        self._at = 0

    def _read(self) -> Iterator[tuple[str, str, int]]:
        place = 0
        for _ in range(MOST_TOKENS):
            found = _TOKEN.match(self._text, place)
            if found is None or found.lastgroup is None:
                left = self._text[place:].strip()
                raise self._refusal(f"It cannot be read from {left[:20]!r} on.")
            place = found.end()
            kind = found.lastgroup
            yield kind, found.group(kind), found.start(kind)
            if kind == "end":
                return
        raise self._refusal(f"It has more than {MOST_TOKENS} parts.")

    def either(self, depth: int) -> Filter:
        """Read what `or` joins."""
        parts = [self.both(depth)]
        while self._takes_word("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Filter:
        """Read what `and` joins."""
        parts = [self._one(depth)]
        while self._takes_word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def target(self) -> Target:
        """Read a path."""
        path = self._path(self._take("word", "the name of an attribute"))
        if not self._takes("["):
            return Target(path)
        if path.sub or not path.name:
            raise self._wrong("brackets stand behind an attribute alone")
        chosen = self._bracket(0)
        sub = self._inner()
        return Target(Path(path.name, sub, path.urn), chosen)

    def end(self) -> None:
        """Raise unless all is read."""
        if self._tokens[self._at][0] != "end":
            raise self._wrong("`and` or `or` is missing")

    def _one(self, depth: int) -> Filter:
        if depth > _DEEPEST:
            raise self._refusal(f"It is nested more than {_DEEPEST} levels deep.")
        if self._takes_word("not"):
            self._expect("(")
            return Not(self._closed(depth))
        if self._takes("("):
            return self._closed(depth)
        path = self._path(self._take("word", "the name of an attribute"))
        if not path.name:
            raise self._wrong("an attribute is missing behind the schema")
        if self._takes("["):
            if path.sub:
                raise self._wrong("brackets stand behind an attribute alone")
            return self._some(path, depth)
        return self._comparison(path)

    def _closed(self, depth: int) -> Filter:
        found = self.either(depth + 1)
        self._expect(")")
        return found

    def _bracket(self, depth: int) -> Filter:
        found = self.either(depth + 1)
        self._expect("]")
        if _brackets(found):
            raise self._wrong("brackets cannot hold brackets")
        return found

    def _some(self, path: Path, depth: int) -> Filter:
        chosen = self._bracket(depth)
        sub = self._inner()
        if sub is None:
            return Some(path, chosen)
        return Some(path, And((chosen, self._comparison(Path(sub)))))

    def _inner(self) -> str | None:
        kind, text, _ = self._tokens[self._at]
        if kind != "inner":
            return None
        self._at += 1
        return text[1:]

    def _comparison(self, path: Path) -> Compare:
        word = self._take("word", "a comparison such as eq").lower()
        if word not in set(Op):
            self._at -= 1
            raise self._wrong(f"a comparison is missing: one of {', '.join(Op)}")
        op = Op(word)
        return Compare(path, op) if op is Op.PR else Compare(path, op, self._value())

    def _value(self) -> Value:
        kind, text, _ = self._tokens[self._at]
        try:
            if kind in ("text", "number"):
                value: Value = json.loads(text)
            else:
                value = _WORDS[text.lower()]
        except (KeyError, ValueError):
            raise self._wrong('a value is missing, such as "text", 1, true or null') from None
        if not _is_usable(value):
            raise self._wrong("a value holds what no text or number may hold")
        self._at += 1
        return value

    def _path(self, word: str) -> Path:
        urn = None
        if word.lower().startswith("urn:"):
            urn, word = _split(word)
        name, dot, sub = word.partition(".")
        parts = [name, sub] if dot else [name]
        if word and not all(_NAME.fullmatch(part) for part in parts):
            self._at -= 1
            raise self._wrong("this is no name of an attribute")
        return Path(name, sub or None, None if urn in (USER, GROUP) else urn)

    def _take(self, kind: str, what: str) -> str:
        found, text, _ = self._tokens[self._at]
        if found != kind:
            raise self._wrong(f"{what} is missing")
        self._at += 1
        return text

    def _takes(self, sign: str) -> bool:
        kind, text, _ = self._tokens[self._at]
        taken = kind == "sign" and text == sign
        self._at += taken
        return taken

    def _takes_word(self, word: str) -> bool:
        kind, text, _ = self._tokens[self._at]
        taken = kind == "word" and text.lower() == word
        self._at += taken
        return taken

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._wrong(f"{sign} is missing")

    def _wrong(self, what: str) -> ScimRefusal:
        _, text, place = self._tokens[self._at]
        here = f"before {text[:40]!r}, character {place + 1}" if text else "at the end"
        return self._refusal(f"In {self._text[:200]!r}: {what} ({here}).")


_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}


def _is_usable(value: Value) -> bool:
    if isinstance(value, str):
        return storable_text(value) == value
    return not isinstance(value, float) or math.isfinite(value)


def _brackets(found: Filter) -> bool:
    match found:
        case Some():
            return True
        case And() | Or():
            return any(_brackets(one) for one in found.parts)
        case Not():
            return _brackets(found.part)
        case Compare():
            return False


def _split(word: str) -> tuple[str, str]:
    """Return the URN of a name and the attribute behind it, which may be none."""
    head, _, tail = word.rpartition(":")
    if tail.lower() in ("user", "group"):
        return canonical_urn(word), ""
    return canonical_urn(head), tail
