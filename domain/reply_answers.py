"""What recipients are told who stop messages or ask for help, in their language."""

from collections.abc import Mapping
from typing import Final

from domain.reply_keywords import Keyword

ANSWERS: Final[Mapping[str, Mapping[Keyword, str]]] = {
    "en": {
        Keyword.STOP: (
            "You are unsubscribed and will get no more messages here."
            " Reply START to get them again."
        ),
        Keyword.HELP: "Reply STOP to get no more messages here, START to get them again.",
    },
    "de": {
        Keyword.STOP: (
            "Sie sind abgemeldet und erhalten hier keine Nachrichten mehr."
            " Mit START erhalten Sie sie wieder."
        ),
        Keyword.HELP: (
            "Antworten Sie STOP, um hier keine Nachrichten mehr zu erhalten, START, um sie wieder"
            " zu erhalten."
        ),
    },
    "es": {
        Keyword.STOP: (
            "Se ha dado de baja y no recibirá más mensajes aquí."
            " Responda START para volver a recibirlos."
        ),
        Keyword.HELP: (
            "Responda STOP para no recibir más mensajes aquí, START para volver a recibirlos."
        ),
    },
    "fr": {
        Keyword.STOP: (
            "Vous êtes désabonné et ne recevrez plus de messages ici."
            " Répondez START pour les recevoir à nouveau."
        ),
        Keyword.HELP: (
            "Répondez STOP pour ne plus recevoir de messages ici, START pour les recevoir à"
            " nouveau."
        ),
    },
    "it": {
        Keyword.STOP: (
            "Iscrizione annullata: qui non riceverà altri messaggi."
            " Risponda START per riceverli di nuovo."
        ),
        Keyword.HELP: (
            "Risponda STOP per non ricevere altri messaggi qui, START per riceverli di nuovo."
        ),
    },
    "nl": {
        Keyword.STOP: (
            "U bent afgemeld en ontvangt hier geen berichten meer."
            " Antwoord START om ze weer te ontvangen."
        ),
        Keyword.HELP: (
            "Antwoord STOP om hier geen berichten meer te ontvangen, START om ze weer te ontvangen."
        ),
    },
    "pt": {
        Keyword.STOP: (
            "A sua subscrição foi cancelada e não receberá mais mensagens aqui."
            " Responda START para voltar a recebê-las."
        ),
        Keyword.HELP: (
            "Responda STOP para não receber mais mensagens aqui, START para voltar a recebê-las."
        ),
    },
}
"""By language. A START is answered by the messages themselves."""


def answer_to(keyword: Keyword, locale: str | None) -> str:
    """Return the answer in the language of a locale such as `fr-CA`, else in English."""
    language = (locale or "en").replace("_", "-").partition("-")[0].lower()
    return ANSWERS.get(language, ANSWERS["en"])[keyword]
