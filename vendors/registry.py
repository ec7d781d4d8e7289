"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox
from vendors.contract import VendorKind
from vendors.email import smtp
from vendors.sms import twilio, vonage
from vendors.whatsapp import twilio as twilio_whatsapp

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "twilio": twilio.KIND,
    "vonage": vonage.KIND,
    "twilio_whatsapp": twilio_whatsapp.KIND,
    "sandbox": sandbox.KIND,
}
