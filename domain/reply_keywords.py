# ruff: noqa: RUF001 - the words of many languages
"""Words with which recipients stop messages, ask for them again, or ask for help.

The English ones are those that carriers know (CTIA Messaging Principles §5.1.3).
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Keyword(StrEnum):
    """What a reply that is one of the words asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


WORDS: Final[Mapping[str, Mapping[Keyword, tuple[str, ...]]]] = {
    "en": {
        Keyword.STOP: (
            "STOP",
            "STOPALL",
            "STOP ALL",
            "QUIT",
            "END",
            "REVOKE",
            "OPTOUT",
            "OPT OUT",
            "CANCEL",
            "UNSUBSCRIBE",
        ),
        Keyword.START: ("START", "UNSTOP", "YES"),
        Keyword.HELP: ("HELP", "INFO"),
    },
    "ar": {
        Keyword.STOP: ("توقف", "إيقاف", "إلغاء"),
        Keyword.START: ("ابدأ",),
        Keyword.HELP: ("مساعدة",),
    },
    "de": {
        Keyword.STOP: ("STOPP", "ABMELDEN", "ABBESTELLEN", "BEENDEN", "ENDE"),
        Keyword.START: ("STARTEN", "ANMELDEN"),
        Keyword.HELP: ("HILFE",),
    },
    "es": {
        Keyword.STOP: ("ALTO", "BAJA", "CANCELAR", "DETENER", "PARAR", "SALIR"),
        Keyword.START: ("INICIO", "INICIAR", "ALTA"),
        Keyword.HELP: ("AYUDA",),
    },
    "fr": {
        Keyword.STOP: ("ARRÊT", "ARRÊTER", "ANNULER", "DÉSABONNER", "DÉSINSCRIRE", "FIN"),
        Keyword.START: ("DÉMARRER", "REPRENDRE"),
        Keyword.HELP: ("AIDE",),
    },
    "hi": {Keyword.STOP: ("रोकें", "बंद करें"), Keyword.HELP: ("मदद",)},
    "it": {
        Keyword.STOP: ("FERMA", "BASTA", "ANNULLA", "CANCELLA", "DISISCRIVI", "DISISCRIVIMI"),
        Keyword.START: ("INIZIA", "AVVIA"),
        Keyword.HELP: ("AIUTO",),
    },
    "ja": {
        Keyword.STOP: ("停止", "配信停止", "解除"),
        Keyword.START: ("開始",),
        Keyword.HELP: ("ヘルプ",),
    },
    "ko": {Keyword.STOP: ("중지", "수신거부"), Keyword.START: ("시작",), Keyword.HELP: ("도움말",)},
    "nb": {Keyword.STOP: ("AVSLUTT", "AVMELD"), Keyword.HELP: ("HJELP",)},
    "da": {Keyword.STOP: ("AFMELD", "AFSLUT"), Keyword.HELP: ("HJÆLP",)},
    "nl": {
        Keyword.STOP: ("STOPPEN", "AFMELDEN", "UITSCHRIJVEN", "OPZEGGEN", "EINDE"),
        Keyword.START: ("AANMELDEN",),
        Keyword.HELP: ("HULP",),
    },
    "pl": {
        Keyword.STOP: ("REZYGNUJĘ", "WYPISZ", "ANULUJ"),
        Keyword.START: ("WZNÓW",),
        Keyword.HELP: ("POMOC",),
    },
    "pt": {
        Keyword.STOP: ("PARE", "PARAR", "CANCELAR", "SAIR", "DESCADASTRAR"),
        Keyword.START: ("COMEÇAR", "INICIAR"),
        Keyword.HELP: ("AJUDA",),
    },
    "ru": {
        Keyword.STOP: ("СТОП", "ОТПИСАТЬСЯ", "ОТМЕНА"),
        Keyword.START: ("СТАРТ", "НАЧАТЬ"),
        Keyword.HELP: ("ПОМОЩЬ",),
    },
    "sv": {
        Keyword.STOP: ("STOPPA", "AVSLUTA", "AVREGISTRERA"),
        Keyword.START: ("STARTA",),
        Keyword.HELP: ("HJÄLP",),
    },
    "tr": {
        Keyword.STOP: ("DUR", "DURDUR", "İPTAL", "IPTAL"),
        Keyword.START: ("BAŞLAT",),
        Keyword.HELP: ("YARDIM", "yardım"),
    },
    "uk": {
        Keyword.STOP: ("ВІДПИСАТИСЯ", "СКАСУВАТИ"),
        Keyword.START: ("ПОЧАТИ",),
        Keyword.HELP: ("ДОПОМОГА",),
    },
    "zh": {
        Keyword.STOP: ("退订", "退訂", "取消订阅", "取消訂閱"),
        Keyword.START: ("开始", "開始"),
        Keyword.HELP: ("帮助", "幫助"),
    },
}
"""By language. A yes in other languages than English is no START: it answers other questions."""

_LONGEST: Final = 60


def keyword_of(text: str) -> Keyword | None:
    """Return what a reply asks for when the whole of it is one of the words, in any language.

    Case, accents and punctuation do not matter; a sentence that holds a word is no command.
    """
    return _MEANINGS.get(_bare(text)) if len(text) <= _LONGEST else None


def _bare(text: str) -> str:
    """Return letters and digits only, folded, with one space between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in decomposed if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() else " " for char in kept).split())


_MEANINGS: Final = {
    _bare(word): keyword
    for meanings in WORDS.values()
    for keyword, words in meanings.items()
    for word in words
}
