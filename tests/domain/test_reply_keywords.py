"""Words with which recipients stop messages, want them again, or ask for help."""

import pytest

from domain.reply_keywords import WORDS, Keyword, keyword_of


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("STOP", Keyword.STOP), (" stop. ", Keyword.STOP), ("Stop!", Keyword.STOP),
        ("opt out", Keyword.STOP), ("Unsubscribe", Keyword.STOP), ("arrêt", Keyword.STOP),
        ("ABMELDEN", Keyword.STOP), ("start", Keyword.START), ("Unstop", Keyword.START),
        ("help", Keyword.HELP), ("Hilfe", Keyword.HELP), ("info", Keyword.HELP),
        ("please stop calling it a bell", None), ("stop it", None), ("", None), ("?!", None),
        ("stopwatch", None), ("I need help with my order", None),
    ],
)  # fmt: skip
def test_only_a_word_alone_is_one(text: str, keyword: Keyword | None) -> None:
    assert keyword_of(text) == keyword


@pytest.mark.parametrize("locale", sorted(WORDS))
def test_every_word_of_every_language_is_known(locale: str) -> None:
    for keyword, words in WORDS[locale].items():
        for word in words:
            assert keyword_of(word) == keyword, word
            assert keyword_of(f"  {word.lower()}. ") == keyword, word
