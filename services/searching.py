"""What lists search for, as SQL patterns."""


def pattern(q: str | None) -> str | None:
    """Return the ILIKE pattern of texts that contain q; None when nothing is searched for."""
    if not q:
        return None
    plain = q.replace("\x00", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
