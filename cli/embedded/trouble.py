"""What can be in the way of starting, in a sentence that says what to do."""


class Trouble(Exception):
    """Something the operator can mend; `remedy` says how."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy
