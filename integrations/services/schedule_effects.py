"""What a change of plan does to cron schedules: paused by the system, at the default frequency (app.md 13.2)."""

from django.utils import timezone

from accounts.audit import Event, record
from accounts.plans import Feature
from accounts.services.plan_effects import Change, Effect, counted, register
from integrations.models import Integration
from integrations.services.integrations import pause_by_system
from integrations.services.locking import lock_integration, save_changed
from integrations.services.plan_effects import named
from integrations.services.schedules import default_frequency, replan


def scheduled_by_cron(change: Change) -> list[Integration]:
    """Return the integrations that use what the account is losing, by name."""
    if change.after.has(Feature.ADVANCED_SCHEDULING):
        return []
    live = change.account.integrations.live().order_by("display_name")
    return [integration for integration in live if integration.properties.get("cron_expression")]


def foretell_cron(change: Change) -> list[Effect]:
    """Name the integrations whose cron schedules end."""
    found = scheduled_by_cron(change)
    if not found:
        return []
    return [
        Effect(
            "cron",
            sentence=(
                "This integration has an advanced schedule; it will be paused and get its default frequency:"
                if len(found) == 1
                else f"These {len(found)} integrations have an advanced schedule; they will be paused and get their "
                "default frequency:"
            ),
            things=named(found),
            afterwards="Nothing is extracted until somebody resumes them. The cron expressions are not kept.",
        )
    ]


def end_cron(change: Change) -> str:
    """Pause what runs by cron, and let it run in its default interval once it is resumed."""
    found = scheduled_by_cron(change)
    for integration in found:
        pause_by_system(integration=integration, actor=change.actor, reason="Advanced scheduling was lost")
        current = lock_integration(integration)
        former = current.properties.pop("cron_expression")
        minutes = default_frequency(current.type)
        current.properties["frequency_in_minutes"] = str(minutes)
        save_changed(current, "properties")
        replan(integration=current, now=timezone.now())
        record(
            Event.SCHEDULE_CHANGED,
            account=change.account,
            actor=change.actor,
            target=current,
            target_name=current.display_name,
            by_staff=change.by_staff,
            reason="Advanced scheduling was lost",
            former_cron_expression=former,
            frequency_in_minutes=minutes,
        )
    if not found:
        return ""
    return f"{counted(len(found), 'advanced schedule was', 'advanced schedules were')} reset."


register("cron", foretell=foretell_cron, carry_out=end_cron)
