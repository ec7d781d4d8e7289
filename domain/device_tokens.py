"""Push tokens: whose phone they belong to, and what cannot be one."""

import re
from typing import Final, Literal

IOS: Final = "ios"
ANDROID: Final = "android"
Platform = Literal["android", "ios"]

_APNS: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){32,100}")
_FCM: Final = re.compile(r"[!-~]{1,4096}")
_SNS: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:endpoint/([A-Z_]+)/[!-~]+")


def platform_of(token: str) -> Platform:
    """Return the platform of a token: APNs's are 32 to 100 bytes in hex, endpoints of SNS name
    their service, all others are FCM's.
    """
    if found := _SNS.fullmatch(token):
        return IOS if found[1].startswith("APNS") else ANDROID
    return IOS if _APNS.fullmatch(token) else ANDROID


def check_token(token: str, platform: str | None) -> str | None:
    """Return what is wrong with a token, in words that say how to mend it; None when nothing is."""
    if platform == IOS and not (_APNS.fullmatch(token) or _SNS.fullmatch(token)):
        return "is not a token of APNs: 32 to 100 bytes in hex, without spaces or brackets"
    if not _FCM.fullmatch(token):
        return "holds spaces or other characters that no token has"
    return None
