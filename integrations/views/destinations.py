"""The Destination page: where the account's data is loaded, and how that is changed (app.md 11)."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from integrations.forms.destinations import DestinationNamesForm, LoadingRulesForm, PostgresForm, RemovalForm
from integrations.models import Destination
from integrations.services.credentials import CredentialUnreadable
from integrations.services.destination_changes import (
    DELETE,
    PAUSE,
    DestinationAlreadyAdded,
    DestinationChanged,
    DestinationGone,
    DestinationLimitReached,
    add_embedded_destination,
    add_postgres_destination,
    record_check,
    remove_destination,
    update_destination,
)
from integrations.services.destination_connections import (
    Step,
    TooManyChecks,
    check_connection,
    connection_of,
    passed,
)
from integrations.services.destinations import embedded_is_offered
from integrations.services.waiting import waiting_records
from integrations.services.warehouses import WarehouseState, describe_destination, describe_destinations
from stitchapp.rendering import render_page

CONFIRM_SEVERAL = "DELETE"  # app.md 17, 36
NEVER_STORED = "Nothing was saved."


@allow(Can.VIEW_ACCOUNT)
@require_safe
def destination(request: HttpRequest) -> HttpResponse:
    """Show each destination: where it is, what loads into it, what waits for it and why."""
    states = describe_destinations(account=request.account)
    most = request.account.plan.max_destinations
    context = {
        "nav_active": "destination",
        "entries": [entry(request, state) for state in states],
        "waiting_records": 0 if states else waiting_records(account=request.account),
        "may_manage": may(request.membership, Can.MANAGE_DESTINATIONS),
        "may_add": bool(states) and (most is None or len(states) < most),
        "may_hold_several": most is None or most > 1,
        "create_url": url_of(request, "destination-create"),
        "embedded_url": url_of(request, "destination-embedded"),
        "embedded_is_offered": embedded_is_offered(account=request.account),
    }
    return render_page(request, "integrations/destination.html", context)


def entry(request: HttpRequest, state: WarehouseState) -> dict[str, object]:
    """Return what the page shows of one destination, and where its buttons lead."""
    pk = state.destination.pk
    instead = urlencode({"instead_of": pk})
    return {
        "state": state,
        "log": log_of(state.destination),
        "edit_url": url_of(request, "destination-edit", destination_id=pk),
        "check_url": url_of(request, "destination-check", destination_id=pk),
        "remove_url": url_of(request, "destination-remove", destination_id=pk),
        "replace_url": f"{url_of(request, 'destination-create')}?{instead}",
        "embedded_url": f"{url_of(request, 'destination-embedded')}?{instead}",
    }


@allow(Can.MANAGE_DESTINATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def destination_create(request: HttpRequest) -> HttpResponse:
    """Ask where a PostgreSQL database is, test it, and load into it from then on."""
    replaced = replaced_destination(request)
    state = describe_destination(destination=replaced) if replaced is not None else None
    posted = request.POST if request.method == "POST" else None
    form = PostgresForm(posted, pauses=len(state.integrations) if state is not None else 0)
    steps: list[Step] = []
    if form.is_valid():
        try:
            connection = form.connection()
            steps = check_connection(connection)
            if passed(steps):
                added = add_postgres_destination(
                    account=request.account,
                    actor=request.user,
                    names=form.names(),
                    connection=connection,
                    steps=steps,
                    replaces=replaced,
                    form_id=form.cleaned_data["form_id"],
                )
                messages.success(request, f"Success! {added.display_name} is connected.{paused_by(state)}")
                return back_to_list(request)
            form.add_error(None, failure_of(steps))
        except DestinationAlreadyAdded as refusal:
            messages.warning(request, refusal.message)
            return back_to_list(request)
        except DomainError as refusal:
            form.add_refusal(refusal)
    context = {
        "form": form,
        "steps": steps,
        "replaced": state,
        "title": "Configure your PostgreSQL Destination",
    }
    return show_form(request, context)


def replaced_destination(request: HttpRequest) -> Destination | None:
    """Return the destination that a new one takes the place of; None when it stands beside the others.

    Where the plan has room for one only, it is that one. Raises DestinationLimitReached when none is named and there
    is no room.
    """
    named = request.POST.get("instead_of") or request.GET.get("instead_of")
    live = request.account.destinations.live().order_by("pk")
    if named:
        chosen = live.filter(pk=named).first() if named.isdecimal() and len(named) < 19 else None
        if chosen is None:
            raise DestinationGone
        chosen.account = request.account
        return chosen
    present = list(live[:2])
    most = request.account.plan.max_destinations
    if most is None or live.count() < most:
        return None
    if most == 1 and len(present) == 1:
        present[0].account = request.account
        return present[0]
    raise DestinationLimitReached


@allow(Can.MANAGE_DESTINATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def destination_edit(request: HttpRequest, destination_id: int) -> HttpResponse:
    """Change a destination's names and where it is; its type stays."""
    current = find_destination(request, destination_id)
    posted = request.POST if request.method == "POST" else None
    form = edit_form(current, posted)
    steps: list[Step] = []
    if form.is_valid():
        try:
            connection = form.connection() if isinstance(form, PostgresForm) else None
            steps = check_connection(connection) if connection is not None else []
            if connection is None or passed(steps):
                update_destination(
                    destination=current,
                    actor=request.user,
                    believed_revision=form.cleaned_data["revision"] or 0,
                    names=form.names(),
                    rules=form.rules(),
                    connection=connection,
                    password_changed=bool(form.cleaned_data.get("password")),
                    steps=steps,
                )
                messages.success(request, "Success! The destination's settings were updated.")
                return back_to_list(request)
            form.add_error(None, failure_of(steps))
        except DestinationChanged as refusal:
            form.add_refusal(refusal)
            form.data = form.data.copy()
            form.data["revision"] = fresh_revision(current)
        except DomainError as refusal:
            form.add_refusal(refusal)
    title = f"Update {current.get_type_display()} Settings"
    context = {"form": form, "steps": steps, "destination": current, "title": title}
    return show_form(request, context)


def edit_form(destination: Destination, posted) -> DestinationNamesForm:
    """Return the form that a destination's type has, filled in without its password."""
    fields = ["display_name", "description", "revision", *LoadingRulesForm.base_fields]
    if destination.is_embedded:
        return DestinationNamesForm(posted, initial={name: getattr(destination, name) for name in fields})
    fields += ["host", "port", "database", "username", "ssl", "ssl_root_certificate"]
    initial = {name: getattr(destination, name) for name in fields}
    return PostgresForm(posted, initial=initial, stored=destination)


def show_form(request: HttpRequest, context: dict) -> HttpResponse:
    """Render the form, with the log of a test that went wrong."""
    form = context["form"]
    context |= {
        "nav_active": "destination",
        "is_postgres": isinstance(form, PostgresForm),
        "password_was_typed": bool(form.is_bound and form.data.get("password")),
        "log": log_text([(step.name, step.ok, step.detail) for step in context["steps"]]),
        "action": request.path,
        "cancel_url": url_of(request, "destination"),
    }
    return render_page(
        request, "integrations/destination_form.html", context, status=422 if form.errors else 200
    )


@allow(Can.MANAGE_DESTINATIONS)
@require_POST
def destination_check(request: HttpRequest, destination_id: int) -> HttpResponse:
    """Test the stored connection again; what waits is tried at once when it works."""
    current = find_destination(request, destination_id)
    if current.is_embedded:
        messages.warning(request, "The embedded warehouse has no connection to test.")
        return back_to_list(request)
    try:
        steps = check_connection(connection_of(current))
    except (TooManyChecks, CredentialUnreadable) as refusal:
        messages.warning(request, refusal.message)
        return back_to_list(request)
    record_check(destination=current, actor=request.user, steps=steps)
    if passed(steps):
        messages.success(request, f"Success! {current.display_name} can be reached.")
    else:
        messages.error(request, failure_of(steps))
    return back_to_list(request)


@allow(Can.MANAGE_DESTINATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def destination_embedded(request: HttpRequest) -> HttpResponse:
    """Ask, then load into the account's embedded warehouse again, in the place of another or beside it."""
    if not embedded_is_offered(account=request.account):
        messages.warning(request, "The embedded warehouse is already in use, or switched off on this server.")
        return back_to_list(request)
    replaced = replaced_destination(request)
    state = describe_destination(destination=replaced) if replaced is not None else None
    if request.method == "POST":
        added = add_embedded_destination(account=request.account, actor=request.user, replaces=replaced)
        messages.success(request, f"Success! {added.display_name} is your destination.{paused_by(state)}")
        return back_to_list(request)
    context = {
        "nav_active": "destination",
        "asked": state,
        "hidden": [{"name": "instead_of", "value": replaced.pk}] if replaced is not None else [],
        "action": request.path,
        "cancel_url": url_of(request, "destination"),
    }
    return render_page(request, "integrations/destination_embedded.html", context)


@allow(Can.MANAGE_DESTINATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def destination_remove(request: HttpRequest, destination_id: int) -> HttpResponse:
    """Say what a removal does, let it be confirmed in words, ask once more, then remove."""
    current = find_destination(request, destination_id)
    several = request.account.destinations.live().count() > 1
    sent = request.POST if request.method == "POST" else request.GET
    expected = CONFIRM_SEVERAL if several else current.display_name
    typed = "confirmation" in sent or request.method == "POST"
    form = RemovalForm(sent if typed else None, expected=expected, choose=several)
    sure = form.is_valid()
    if sure and request.method == "POST":
        remove_destination(destination=current, actor=request.user, connected=form.connected_choice())
        messages.success(request, f"{current.display_name} was removed. What was loaded into it stays there.")
        return back_to_list(request)
    context = {
        "nav_active": "destination",
        "destination": current,
        "several": several,
        "form": form,
        "asked": {"state": describe_destination(destination=current), "deletes": False},
        "action": request.path,
        "cancel_url": url_of(request, "destination"),
    }
    if not sure:
        status = 422 if form.errors else 200
        return render_page(request, "integrations/destination_remove.html", context, status=status)
    connected = form.connected_choice()
    context["asked"]["deletes"] = connected == DELETE
    context["hidden"] = [
        {"name": "confirmation", "value": form.cleaned_data["confirmation"]},
        {"name": "connected", "value": connected if connected in (PAUSE, DELETE) else PAUSE},
    ]
    return render_page(request, "integrations/destination_remove_confirm.html", context)


def paused_by(replaced: WarehouseState | None) -> str:
    """Remind of the integrations that wait for somebody after a destination took the place of another."""
    number = len(replaced.integrations) if replaced is not None else 0
    if not number:
        return ""
    many = f"{number:,} integrations are paused: resume each of them"
    return f" {many if number > 1 else '1 integration is paused: resume it'} on the dashboard."


def find_destination(request: HttpRequest, destination_id: int) -> Destination:
    """Return the account's destination, or answer 404: removed, another account's, or none."""
    found = get_object_or_404(request.account.destinations.live(), pk=destination_id)
    found.account = request.account
    return found


def fresh_revision(destination: Destination) -> int:
    """Return how often the destination was changed by now."""
    destination.refresh_from_db(fields=["revision"])
    return destination.revision


def failure_of(steps: list[Step]) -> str:
    """Return what the failing step of a test says."""
    return next((step.detail for step in steps if not step.ok), NEVER_STORED)


def log_of(destination: Destination) -> str:
    """Return the log of a destination's last test."""
    return log_text(destination.check_steps)


def log_text(steps: list) -> str:
    """Return a test's steps as lines of a log; nothing for a test that was not made."""
    if not steps:
        return ""
    lines = [f"{'OK    ' if ok else 'FAILED'}  {name}: {detail}" for name, ok, detail in steps]
    return "\n".join(["Checking connection…", *lines])


def url_of(request: HttpRequest, name: str, **more: object) -> str:
    """Return the address of one of the account's destination pages."""
    return reverse(f"integrations:{name}", kwargs={"client_id": request.account.client_id} | more)


def back_to_list(request: HttpRequest) -> HttpResponse:
    """Lead to the Destination page."""
    return redirect(url_of(request, "destination"))
