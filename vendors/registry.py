"""The vendors that are built in; one line each."""

from typing import Final

from vendors import sandbox
from vendors.contract import VendorKind
from vendors.email import smtp

KINDS: Final[dict[str, VendorKind]] = {
    "smtp": smtp.KIND,
    "sandbox": sandbox.KIND,
}
