"""The vendors that are built in, one line each, and those of other packages, by entry point."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from config.plugins import load_kinds
from vendors import sandbox, webhook
from vendors.contract import VendorKind
from vendors.email import mandrill, sendgrid, ses, smtp
from vendors.push import apns, fcm
from vendors.push import sns as sns_push
from vendors.sms import aws_sms, infobip, twilio, vonage
from vendors.sms import sns as sns_sms
from vendors.telegram import telegram
from vendors.webpush import webpush
from vendors.whatsapp import cloud as whatsapp_cloud
from vendors.whatsapp import twilio as twilio_whatsapp

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "ses": ses.KIND,
    "sendgrid": sendgrid.KIND,
    "mandrill": mandrill.KIND,
    "twilio": twilio.KIND,
    "vonage": vonage.KIND,
    "infobip": infobip.KIND,
    "sns_sms": sns_sms.KIND,
    "aws_sms": aws_sms.KIND,
    "sns_push": sns_push.KIND,
    "fcm": fcm.KIND,
    "apns": apns.KIND,
    "webpush": webpush.KIND,
    "twilio_whatsapp": twilio_whatsapp.KIND,
    "whatsapp_cloud": whatsapp_cloud.KIND,
    "telegram": telegram.KIND,
    "webhook": webhook.KIND,
    "sandbox": sandbox.KIND,
}

GROUP: Final = "tocsin.vendors"
"""The group of entry points: each names a VendorKind."""


def load_others(found: Iterable[EntryPoint], known: dict[str, VendorKind]) -> dict[str, VendorKind]:
    """Return the vendors of other packages; a faulty one is left out and named in the log."""
    return load_kinds(found, known, VendorKind, "vendor")


KINDS.update(load_others(entry_points(group=GROUP), KINDS))
