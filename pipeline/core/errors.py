"""The error for what a user can correct: where, what was received, what is allowed, what to do."""


class InputError(Exception):
    """Rejected input, with all findings at once; a command ends with status 1, no traceback."""

    def __init__(self, *findings: str) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings
