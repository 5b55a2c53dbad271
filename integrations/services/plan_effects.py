"""What a change of plan does to integrations, destinations and reports (app.md 13.2)."""

from datetime import datetime, timedelta

from accounts.models import Account
from accounts.services.plan_effects import Change, Effect, Thing, counted, register
from integrations.models import Integration, Kind
from integrations.services.destination_limit import destinations_beyond, settle_destination_hold
from integrations.services.destinations import destinations_of
from integrations.services.integrations import pause_by_system
from integrations.services.notifications import clear_notification, raise_notification
from stitchapp.formats import key_time, thousands

TRIAL = "trial"


def foretell_hold(change: Change) -> list[Effect]:
    """Say that destinations beyond the limit put the account on hold, or that the hold is lifted."""
    account, plan = change.account, change.after.plan
    beyond = destinations_beyond(account=account, plan=plan)
    if not beyond:
        if account.destinations_held_at is None:
            return []
        sentence = "The hold for too many destinations is lifted: what waits is loaded."
        return [Effect("destinations", sentence, takes_away=False)]
    room = f"room for {thousands(plan.max_destinations or 0)}"
    if account.destinations_held_at is not None:
        sentence = (
            f"The account stays on hold: it has {len(beyond)} destinations, and {plan.name} has {room}."
        )
        return [Effect("destinations", sentence)]
    into = destinations_of(
        account=account, integrations=account.integrations.live().select_related("destination")
    )
    loads = [destination.pk for destination in into.values() if destination is not None]
    return [
        Effect(
            "destinations",
            sentence=(
                f"The account will be put on hold, because it has {len(beyond)} destinations and {plan.name} has "
                f"{room}. While it is on hold nothing is loaded into any of them:"
            ),
            things=tuple(
                Thing(
                    destination.pk,
                    f"{destination.display_name} ({counted(loads.count(destination.pk), 'integration')})",
                )
                for destination in beyond
            ),
            afterwards=(
                "What programs send is still accepted, and waits; after 7 days integrations are paused. The hold "
                "is lifted by itself once "
                f"{counted(len(beyond) - (plan.max_destinations or 0), 'destination is', 'destinations are')} removed, "
                "or on a plan with more room."
            ),
        )
    ]


def settle_hold(change: Change) -> str:
    """Place the hold, or lift it."""
    return settle_destination_hold(
        account=change.account, plan=change.after.plan, actor=change.actor, by_staff=change.by_staff
    )


def foretell_reports(change: Change) -> list[Effect]:
    """Say from when on reports are lost, and how many there are (app.md 13.2)."""
    days = change.after.plan.report_days
    if days >= change.before.plan.report_days:
        return []
    begin = reports_begin(change)
    older = change.account.loads.filter(
        finished_at__lt=begin, finished_at__gte=change.account.reports_since(change.now)
    ).count()
    sentence = (
        f"Loading reports and requests are kept for {days} days instead of {change.before.plan.report_days}. "
        f"Older ones are lost at once and do not come back: {counted(older, 'loading report')} "
        f"from before {key_time(begin)}. Loaded data stays."
    )
    return [Effect("reports", sentence)]


def lose_reports(change: Change) -> str:
    """Show no older report any more, whatever plan comes next; the loader's tidying deletes them."""
    if change.after.plan.report_days >= change.before.plan.report_days:
        return ""
    begin = reports_begin(change)
    Account.objects.filter(pk=change.account.pk).update(reports_begin_at=begin)
    change.account.reports_begin_at = begin
    return f"Reports from before {key_time(begin)} were removed."


def reports_begin(change: Change) -> datetime:
    """Return from when on reports are kept after the change."""
    begin = change.now - timedelta(days=change.after.plan.report_days)
    earlier = change.account.reports_begin_at
    return begin if earlier is None else max(begin, earlier)


def foretell_types(change: Change) -> list[Effect]:
    """Say that types of integrations beyond the limit stay (app.md 13.2)."""
    limit = change.after.plan.max_integration_types
    used = change.account.integrations.live().order_by().values("type").distinct().count()
    if limit is None or used <= limit or change.before.plan == change.after.plan:
        return []
    sentence = (
        f"Integrations of {counted(used, 'type')} stay, though {change.after.plan.name} has room for "
        f"{thousands(limit)}: no further type can be added."
    )
    return [Effect("types", sentence)]


def foretell_trial(change: Change) -> list[Effect]:
    """Say which integrations the end of the trial pauses, or that they stay paused after it."""
    if change.after.trial_is_over and not change.before.trial_is_over:
        running = running_integrations(change.account)
        if not running:
            return []
        sentence = (
            "This integration will be paused:"
            if len(running) == 1
            else f"These {len(running)} integrations will be paused:"
        )
        return [
            Effect(
                "integrations",
                sentence,
                things=named(running),
                afterwards="What programs send is refused from then on. What was accepted before is still loaded.",
            )
        ]
    if change.before.trial_is_over and not change.after.trial_is_over:
        live = change.account.integrations.live().filter(paused_at=None).order_by("display_name")
        paused = list(live if change.account.trial_ended_at is None else live.exclude(system_paused_at=None))
        if paused:
            sentence = (
                "No integration that was paused when the trial ended goes on by itself. Resume by hand:"
            )
            return [Effect("integrations", sentence, things=named(paused), takes_away=False)]
    return []


def end_trial(change: Change) -> str:
    """Pause what runs when a trial ends, and tell people; stop telling once there is a plan."""
    if change.before.trial_is_over and not change.after.trial_is_over:
        clear_notification(
            account=change.account, kind=Kind.FREE_TRIAL_EXPIRATION, cause=TRIAL, now=change.now
        )
    if not change.after.trial_is_over or change.before.trial_is_over:
        return ""
    running = running_integrations(change.account)
    for integration in running:
        pause_by_system(integration=integration, actor=change.actor, reason=change.reason)
    raise_notification(
        account=change.account,
        kind=Kind.FREE_TRIAL_EXPIRATION,
        cause=TRIAL,
        message=(
            "Your free trial has ended. Integrations are paused and API access keys are disabled. Choose a plan on "
            "the Billing page, then resume your integrations."
        ),
        now=change.now,
    )
    return f"{counted(len(running), 'integration was', 'integrations were')} paused." if running else ""


def running_integrations(account: Account) -> list[Integration]:
    """Return the integrations that accept data, by name."""
    live = account.integrations.live().filter(paused_at=None, system_paused_at=None)
    return list(live.order_by("display_name"))


def named(integrations: list[Integration]) -> tuple[Thing, ...]:
    """Return integrations as things that a change touches."""
    return tuple(
        Thing(integration.pk, integration.display_name, integration.schema_name)
        for integration in integrations
    )


register("integrations", foretell=foretell_trial, carry_out=end_trial)
register("destinations", foretell=foretell_hold, carry_out=settle_hold)
register("types", foretell=foretell_types)
register("reports", foretell=foretell_reports, carry_out=lose_reports)
