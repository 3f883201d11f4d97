"""What a user is told when something cannot be done: where, what was got, what is allowed, what to do."""


class InputError(Exception):
    """Bad input, with every finding of the source at once; ends a stage with status 1 and no traceback."""

    def __init__(self, *findings: str) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings
