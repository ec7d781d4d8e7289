"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox
from vendors.contract import VendorKind
from vendors.email import ses, smtp
from vendors.sms import twilio

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "ses": ses.KIND,
    "twilio": twilio.KIND,
    "sandbox": sandbox.KIND,
}
