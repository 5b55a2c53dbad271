"""When and by whom a secret was last used; shared by API access keys and Import API access tokens."""

from django.db import models


class Use(models.Model):
    """The columns of a last use. Written at most once a minute (promise P10)."""

    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    last_used_client = models.CharField(max_length=255, blank=True)
    last_used_route = models.CharField(max_length=255, blank=True)

    class Meta:
        abstract = True
