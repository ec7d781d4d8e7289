"""Names of hosts that messages carry."""

from email_validator import EmailNotValidError, validate_email


def check_domain(value: str) -> str:
    """Return a domain in ASCII (RFC 5890), such as example.com; raises ValueError."""
    try:
        found = validate_email(f"x@{value}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("is not a domain such as example.com") from None
    return found.ascii_domain
