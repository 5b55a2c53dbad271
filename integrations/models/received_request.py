"""What came in with tokens of an integration: the newest requests one by one, every day as sums (decision D32).

On SQLite these rows lie in the queue's database; they name accounts, integrations and tokens by number.
"""

from django.db import models

LONGEST_TABLES, LONGEST_POINTER = 1024, 255


class ReceivedRequestQuerySet(models.QuerySet):
    def accepted(self) -> "ReceivedRequestQuerySet":
        return self.filter(status__lt=400)

    def not_accepted(self) -> "ReceivedRequestQuerySet":
        return self.filter(status__gte=400)

    def matching(
        self, *, status: str = "", token_id: int | None = None, endpoint: str = "", table: str = ""
    ) -> "ReceivedRequestQuerySet":
        """Return the requests of a class of status ("2", "4", "5"), a token, an endpoint, a table's name."""
        requests = self
        if status:
            requests = requests.filter(status__gte=int(status) * 100, status__lt=int(status) * 100 + 100)
        if token_id is not None:
            requests = requests.filter(token_id=token_id)
        if endpoint:
            requests = requests.filter(endpoint=endpoint)
        if table:
            requests = requests.filter(tables__icontains=table)
        return requests


class ReceivedRequest(models.Model):
    """One request with a known token, whatever it was answered. None of its data."""

    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    token_id = models.BigIntegerField()
    at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    client = models.CharField(max_length=255, blank=True)
    endpoint = models.CharField(max_length=20)
    tables = models.CharField(max_length=LONGEST_TABLES, blank=True, help_text="Names, one a line.")
    records = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes of the body.")
    status = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=60, blank=True, help_text="Code of the refusal.")
    pointer = models.CharField(max_length=LONGEST_POINTER, blank=True, help_text="Where in the body.")
    microseconds = models.PositiveBigIntegerField()
    receipt = models.UUIDField(null=True)
    request_id = models.CharField(max_length=32, blank=True)

    objects = ReceivedRequestQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["integration_id", "-at"], name="request_by_integration")]


class RequestDay(models.Model):
    """All requests of an integration on one UTC day, those that are not listed any more among them."""

    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    day = models.DateField()
    accepted = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0, help_text="Answered with 5xx.")
    records = models.PositiveBigIntegerField(default=0, help_text="Stored records.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of bodies.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["integration_id", "day"], name="request_day_once")]
