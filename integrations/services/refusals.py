"""Refused requests of known access tokens, as their page shows them (decision D29)."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from integrations.models import AccessTokenRefusal

SHOWN_FOR = timedelta(days=7)
SHOWN = 5


def recent_refusals() -> QuerySet[AccessTokenRefusal]:
    """Return the refusals of the last days, newest first."""
    since = timezone.now() - SHOWN_FOR
    return AccessTokenRefusal.objects.filter(minute__gte=since).order_by("-minute", "-pk")
