"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox
from vendors.contract import VendorKind
from vendors.email import smtp
from vendors.push import apns, fcm
from vendors.sms import twilio
from vendors.webpush import webpush

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "twilio": twilio.KIND,
    "fcm": fcm.KIND,
    "apns": apns.KIND,
    "webpush": webpush.KIND,
    "sandbox": sandbox.KIND,
}
