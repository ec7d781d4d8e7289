"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox, webhook
from vendors.contract import VendorKind
from vendors.email import smtp
from vendors.sms import twilio
from vendors.telegram import telegram

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "twilio": twilio.KIND,
    "telegram": telegram.KIND,
    "webhook": webhook.KIND,
    "sandbox": sandbox.KIND,
}
