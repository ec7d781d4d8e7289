"""Addresses as answers and pages show them: recognisable, not usable."""


def mask(address: str) -> str:
    """Return an address with its middle hidden: s•••@example.com, +1415•••0100."""
    if not address:
        return ""
    local, at, host = address.rpartition("@")
    if at and local:
        return f"{local[0]}•••@{host}"
    if len(address) <= 6:
        return f"{address[0]}•••"
    head = 5 if address.startswith("+") else 3
    return f"{address[: min(head, len(address) // 3)]}•••{address[-min(4, len(address) // 4) :]}"
