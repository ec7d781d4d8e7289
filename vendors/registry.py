"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox
from vendors.contract import VendorKind
from vendors.email import ses, smtp
from vendors.push import sns as sns_push
from vendors.sms import aws_sms, twilio
from vendors.sms import sns as sns_sms

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "ses": ses.KIND,
    "twilio": twilio.KIND,
    "sns_sms": sns_sms.KIND,
    "aws_sms": aws_sms.KIND,
    "sns_push": sns_push.KIND,
    "sandbox": sandbox.KIND,
}
