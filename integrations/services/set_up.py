"""Which step of its set-up a source is at: the one rule that pages, API and jobs share (connect-api.md 3.4)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from integrations.models import Integration, SetUpStep
from integrations.services.locking import lock_integration, save_changed
from integrations.services.schedules import replan
from integrations.services.selection import replicates_something
from integrations.services.source_properties import provided
from integrations.sources.property_values import is_complete
from integrations.sources.registry import find_source_type


def set_up_step(integration: Integration) -> str:
    """Return the first step that is not complete, as the integration is now.

    A source whose type is not declared any more stays where it was.
    """
    source_type = find_source_type(integration.type)
    if source_type is None:
        return integration.step
    if source_type.is_push:
        return SetUpStep.FULLY_CONFIGURED
    if not is_complete(source_type, provided(integration)):
        return SetUpStep.FORM
    if not source_type.has_discovery:
        return SetUpStep.FULLY_CONFIGURED
    if not connection_is_good(integration):
        return SetUpStep.DISCOVER_SCHEMA
    return SetUpStep.FULLY_CONFIGURED if replicates_something(integration) else SetUpStep.FIELD_SELECTION


def connection_is_good(integration: Integration) -> bool:
    """Tell whether the newest connection check that came to its end was good."""
    checks = integration.jobs.checks().exclude(completed_at=None).order_by("-created_at", "-pk")
    newest = checks.first()
    return newest is not None and newest.outcome == "succeeded"


@transaction.atomic
def refresh_step(*, integration: Integration) -> Integration:
    """Bring the integration's step up to date, and its schedule with it; a deleted one stays as it is."""
    current = lock_integration(integration, even_deleted=True)
    step = set_up_step(current)
    if current.deleted_at is None and step != current.step:
        current.step = step
        save_changed(current, "step")
        replan(integration=current, now=timezone.now())
    integration.step = current.step
    return current
