"""Hold one integration while it changes, so that what a service believed stays true until it is done."""

from django.utils import timezone

from accounts.errors import DomainError
from integrations.models import Integration


class IntegrationDeleted(DomainError):
    """The integration was deleted; nothing about it can be changed."""

    code, status = "integration_deleted", 409
    message = "This integration was deleted."


def lock_integration(integration: Integration, *, even_deleted: bool = False) -> Integration:
    """Return the integration as it is now, locked until the transaction ends; refuse a deleted one."""
    rows = Integration.objects.select_for_update(of=("self",)).select_related("account")
    current: Integration = rows.get(pk=integration.pk)
    if current.deleted_at is not None and not even_deleted:
        raise IntegrationDeleted
    return current


def save_changed(integration: Integration, *fields: str) -> None:
    """Write the named fields and the time of the change."""
    integration.updated_at = timezone.now()
    integration.save(update_fields=[*fields, "updated_at"])
