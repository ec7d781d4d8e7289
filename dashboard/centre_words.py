"""The words of the pages that recipients see, by language."""

from collections.abc import Mapping
from typing import Final

from domain.vocabulary import Channel

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "language": "English",
        "title": "What you hear from {module}",
        "intro": "Choose what may reach you, and where. Changes hold at once.",
        "always": "These are always sent, because you need them: {names}.",
        "daily": "Once a day, all in one message, at",
        "daily_help": "A time ({timezone}) collects what would come one by one. Leave it empty to "
        "get each message at once.",
        "quiet": "Quiet hours",
        "quiet_help": "In these hours ({timezone}) messages wait until they are over. Leave both "
        "empty for none.",
        "from": "From",
        "until": "Until",
        "tracking": "What you open",
        "tracking_on": "{module} may see that I opened an e-mail, and which links I followed",
        "tracking_help": "Without it, pictures and links in e-mails tell nobody anything. Browsers "
        "that ask not to be tracked (Do Not Track, Global Privacy Control) are heeded as well.",
        "save": "Save",
        "saved": "Saved.",
        "nowhere": "There is no address at which you can be reached.",
        "leave_all": "Unsubscribe from everything",
        "leave_all_help": "Only what is always sent will still reach you.",
        "left_all": "You are unsubscribed from everything that can be.",
        "stale": "Your choices were changed elsewhere meanwhile. Here is how they are now.",
        "wrong_hours": "Quiet hours need a beginning and an end that differ; times are written "
        "as 08:00.",
        "leave_title": "Unsubscribe from {category}",
        "leave_intro": "{module} will send you no more e-mails about {category}.",
        "leave": "Unsubscribe",
        "left": "You are unsubscribed. {module} will send you no more e-mails about {category}.",
        "protected": "{category} is always sent; it cannot be unsubscribed from.",
        "wrong_title": "This link does not work",
        "wrong": "It may have been cut short. Take the one in the latest message.",
        "expired_title": "This link is no longer valid",
        "expired": "Its time is over, or what it was about is gone. Take the one in the latest "
        "message.",
    },
    "fr": {
        "language": "Français",
        "title": "Ce que {module} vous envoie",
        "intro": "Choisissez ce qui peut vous parvenir, et où. Les changements prennent effet "
        "aussitôt.",
        "always": "Ceux-ci sont toujours envoyés, car vous en avez besoin : {names}.",
        "daily": "Une fois par jour, en un seul message, à",
        "daily_help": "Une heure ({timezone}) réunit ce qui viendrait un par un. Laissez vide pour "
        "recevoir chaque message aussitôt.",
        "quiet": "Heures calmes",
        "quiet_help": "Pendant ces heures ({timezone}), les messages attendent qu'elles soient "
        "passées. Laissez vide pour n'en avoir aucune.",
        "from": "De",
        "until": "À",
        "tracking": "Ce que vous ouvrez",
        "tracking_on": "{module} peut voir que j'ai ouvert un courriel, et quels liens j'ai suivis",
        "tracking_help": "Sans cela, les images et les liens des courriels ne révèlent rien à "
        "personne. Un navigateur qui demande à ne pas être suivi (Do Not Track, Global Privacy "
        "Control) est respecté aussi.",
        "save": "Enregistrer",
        "saved": "Enregistré.",
        "nowhere": "Aucune adresse ne permet de vous joindre.",
        "leave_all": "Se désabonner de tout",
        "leave_all_help": "Seul ce qui est toujours envoyé vous parviendra encore.",
        "left_all": "Vous êtes désabonné de tout ce qui peut l'être.",
        "stale": "Vos choix ont été modifiés ailleurs entre-temps. Les voici à présent.",
        "wrong_hours": "Il faut aux heures calmes un début et une fin qui diffèrent ; les heures "
        "s'écrivent 08:00.",
        "leave_title": "Se désabonner : {category}",
        "leave_intro": "{module} ne vous enverra plus de courriels : {category}.",
        "leave": "Se désabonner",
        "left": "Vous êtes désabonné. {module} ne vous enverra plus de courriels : {category}.",
        "protected": "{category} : toujours envoyé, on ne peut pas s'en désabonner.",
        "wrong_title": "Ce lien ne fonctionne pas",
        "wrong": "Il a peut-être été coupé. Prenez celui du dernier message.",
        "expired_title": "Ce lien n'est plus valable",
        "expired": "Son délai est passé, ou son objet n'existe plus. Prenez celui du dernier "
        "message.",
    },
}

CHANNELS: Final[Mapping[str, Mapping[Channel, str]]] = {
    "en": {
        Channel.EMAIL: "E-mail",
        Channel.SMS: "Text message",
        Channel.PUSH: "Phone notification",
        Channel.WEBPUSH: "Browser notification",
        Channel.WHATSAPP: "WhatsApp",
        Channel.TELEGRAM: "Telegram",
        Channel.INAPP: "In the app",
    },
    "fr": {
        Channel.EMAIL: "Courriel",
        Channel.SMS: "SMS",
        Channel.PUSH: "Notification du téléphone",
        Channel.WEBPUSH: "Notification du navigateur",
        Channel.WHATSAPP: "WhatsApp",
        Channel.TELEGRAM: "Telegram",
        Channel.INAPP: "Dans l'application",
    },
}


def choose_language(asked: str | None, locale: str | None, accepted: str) -> str:
    """Return the language of a page: the one asked for, the recipient's, the browser's, English.

    `accepted` is an Accept-Language header; its order is taken for its preference.
    """
    wanted = [asked or "", locale or "", *(part.partition(";")[0] for part in accepted.split(","))]
    for one in wanted:
        language = one.strip().replace("_", "-").partition("-")[0].lower()
        if language in WORDS:
            return language
    return "en"
