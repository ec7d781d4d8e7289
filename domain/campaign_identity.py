"""As whom a campaign writes: its sender in the words of every recipient, and its brand."""

from collections.abc import Mapping
from typing import Any

from domain.vocabulary import Channel

Words = Mapping[str, Any]


def with_sender(words: Words, sender: Mapping[str, str] | None) -> Words:
    """Return words by channel whose mails come from a sender {from?, reply_to?}, if there is one,
    whatever they say themselves.
    """
    if not sender or not words.get(Channel.EMAIL):
        return words
    return {**words, Channel.EMAIL: {**words[Channel.EMAIL], **sender}}


def brand_of(module: Mapping[str, Any], asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a campaign's brand: what it asks for, and the rest from its module's; None where it
    asks for nothing.
    """
    return {**module, **asked} if asked else None


def brand_words(brand: Mapping[str, Any]) -> dict[str, str]:
    """Return what words may say of a brand."""
    return {"name": brand.get("name") or "", "colour": brand.get("colour") or ""}
