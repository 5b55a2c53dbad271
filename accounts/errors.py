"""A rule said no: one family of errors, translated once for pages and once for each API (house style 13)."""


class DomainError(Exception):
    """A refusal with a code, an HTTP status and a sentence fit to show to the person who asked."""

    code = "refused"
    status = 400
    message = "This cannot be done."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.message
        super().__init__(self.message)


class PlanRequired(DomainError):
    """The account's plan does not include a feature."""

    code, status = "plan_required", 403

    def __init__(self, message: str, feature: object = None) -> None:
        super().__init__(message)
        self.feature = feature
