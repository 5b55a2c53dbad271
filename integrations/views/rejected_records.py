"""Rejected records: by what they were refused for, each one whole, and set aside or opened again."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may
from integrations.models import Integration, RejectedRecord, RejectedState
from integrations.services.receipts import states_of
from integrations.services.rejected_records import (
    cut_records,
    dismiss_rejected,
    message_of,
    people,
    pretty,
    rejected_groups,
    rejected_records,
    reopen_rejected,
    state_counts,
)
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page

PAGE_SIZE = 50
SHOWN_CHARACTERS = 20_000  # of a record in a list; its own address has it whole
STATES = (RejectedState.OPEN, RejectedState.REPLAYED, RejectedState.DISMISSED)


@allow(Can.VIEW_LOADS)
@require_safe
def rejected_list(request: HttpRequest, integration_id: int) -> HttpResponse:
    """What records were refused for, the latest first."""
    integration = find_integration(request, integration_id)
    now = timezone.now()
    state, batch = wanted_state(request), receipt_in(request.GET)
    records = rejected_records(integration=integration, now=now)
    if batch is not None:
        records = records.filter(receipt=batch)
    page = Paginator(rejected_groups(records.filter(state=state)), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    kept = {"state": state.value} | ({"batch": str(batch)} if batch else {})
    context = frame(request, integration, "integration-loads") | {
        "page": page,
        "rows": [
            (group, f"{url_of(integration, 'rejected-group', group=group.group)}?{urlencode(kept)}")
            for group in page
        ],
        "state": state,
        "states": state_links(state, state_counts(records), batch),
        "kept": urlencode(kept),
        "batch": batch,
        "list_url": request.path,
        "cut": cut_records(integration=integration, now=now),
        "report_days": integration.account.plan.report_days,
        "crumbs": crumbs(integration, "Rejected records"),
    }
    return render_page(request, "integrations/rejected_list.html", context)


@allow(Can.VIEW_LOADS)
@require_safe
def rejected_group(request: HttpRequest, integration_id: int, group: str) -> HttpResponse:
    """The records that were refused for one thing, each whole."""
    integration = find_integration(request, integration_id)
    state, batch = wanted_state(request), receipt_in(request.GET)
    records = group_or_404(integration, group)
    about = records.order_by("pk")[0]
    if batch is not None:
        records = records.filter(receipt=batch)
    page = Paginator(records.filter(state=state).order_by("-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {"state": state.value} | ({"batch": str(batch)} if batch else {})
    context = frame(request, integration, "integration-loads") | {
        "about": about,
        "page": page,
        "rows": shown_records(integration, list(page)),
        "state": state,
        "states": state_links(state, state_counts(records), batch),
        "kept": urlencode(kept),
        "batch": batch,
        "may_change": may(request.membership, Can.MODIFY_INTEGRATIONS),
        "all": urlencode({"all": "yes"} | ({"batch": str(batch)} if batch else {})),
        "replay_url": url_of(integration, "rejected-replay", group=group),
        "dismiss_url": url_of(integration, "rejected-dismiss", group=group),
        "reopen_url": url_of(integration, "rejected-reopen", group=group),
        "crumbs": crumbs(integration, about.table_name, inside=True),
    }
    return render_page(request, "integrations/rejected_group.html", context)


@allow(Can.VIEW_LOADS)
@require_safe
def rejected_record(request: HttpRequest, integration_id: int, rejected_id: int) -> HttpResponse:
    """One record whole, as a file: it may have 20 MB."""
    integration = find_integration(request, integration_id)
    records = rejected_records(integration=integration, now=timezone.now())
    rejected = get_object_or_404(records, pk=rejected_id)
    response = HttpResponse(pretty(message_of(rejected)["data"]), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="rejected-{rejected.pk}.json"'
    return response


@allow(Can.MODIFY_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def rejected_dismiss(request: HttpRequest, integration_id: int, group: str) -> HttpResponse:
    """Ask, then set the chosen records aside, or all of the group."""
    integration = find_integration(request, integration_id)
    records = group_or_404(integration, group)
    back = url_of(integration, "rejected-group", group=group)
    sent = request.POST if request.method == "POST" else request.GET
    chosen = chosen_of(records, sent)
    if chosen is None:
        messages.warning(request, "Choose at least one record.")
        return redirect(back)
    if request.method == "POST":
        moved = dismiss_rejected(integration=integration, actor=request.user, chosen=chosen)
        messages.success(request, f"{counted(moved)} dismissed.")
        return redirect(back)
    number = chosen.filter(state=RejectedState.OPEN).count()
    context = {
        "nav_active": "integrations",
        "title": f"Dismiss {counted(number)}?",
        "action": request.path,
        "sent_along": [{"name": name, "value": value} for name, value in choice(sent)],
        "cancel_url": back,
        "report_days": integration.account.plan.report_days,
    }
    return render_page(request, "integrations/rejected_dismiss.html", context)


@allow(Can.MODIFY_INTEGRATIONS)
@require_POST
def rejected_reopen(request: HttpRequest, integration_id: int, group: str) -> HttpResponse:
    """Open the chosen dismissed records again, or all of the group."""
    integration = find_integration(request, integration_id)
    chosen = chosen_of(group_or_404(integration, group), request.POST)
    back = url_of(integration, "rejected-group", group=group)
    if chosen is None:
        messages.warning(request, "Choose at least one record.")
        return redirect(f"{back}?state=dismissed")
    moved = reopen_rejected(integration=integration, actor=request.user, chosen=chosen)
    messages.success(request, f"{counted(moved)} open again.")
    return redirect(back)


def group_or_404(integration: Integration, group: str) -> QuerySet[RejectedRecord]:
    """Return the records of a group; 404 when the integration has none of them."""
    records = rejected_records(integration=integration, now=timezone.now()).filter(group=group)
    if "\0" in group or not records.exists():
        raise Http404
    return records


def chosen_of(records: QuerySet[RejectedRecord], sent: QueryDict) -> QuerySet[RejectedRecord] | None:
    """Return the records that a form names, or all when it asks for all, of one batch or of any.

    None when it names none.
    """
    if sent.get("all"):
        batch = receipt_in(sent)
        return records if batch is None else records.filter(receipt=batch)
    pks = [int(pk) for pk in sent.getlist("record") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    return records.filter(pk__in=pks[:PAGE_SIZE]) if pks else None


def choice(sent: QueryDict) -> list[tuple[str, str]]:
    """Return what repeats the choice of records in another form."""
    if sent.get("all"):
        batch = receipt_in(sent)
        return [("all", "yes"), *([("batch", str(batch))] if batch is not None else [])]
    return [("record", pk) for pk in sent.getlist("record")[:PAGE_SIZE]]


def shown_records(integration: Integration, records: list[RejectedRecord]) -> list[dict[str, object]]:
    """Return the rows of a group's page, with what became of those that were sent again."""
    replays = states_of(receipts={each.replay_receipt for each in records if each.replay_receipt})
    names = people(ids={each.closed_by_id for each in records if each.closed_by_id})
    rows = []
    for rejected in records:
        text = pretty(message_of(rejected)["data"])
        rows.append(
            {
                "record": rejected,
                "text": text[:SHOWN_CHARACTERS],
                "is_cut": len(text) > SHOWN_CHARACTERS,
                "record_url": url_of(integration, "rejected-record", rejected_id=rejected.pk),
                "receipt_url": url_of(integration, "batch-receipt", receipt=rejected.receipt),
                "replay_url": url_of(integration, "batch-receipt", receipt=rejected.replay_receipt)
                if rejected.replay_receipt in replays
                else "",
                "replay_state": replays.get(rejected.replay_receipt),
                "closed_by": names.get(rejected.closed_by_id),
            }
        )
    return rows


def wanted_state(request: HttpRequest) -> RejectedState:
    """Return the state asked for; open records otherwise."""
    return next((state for state in STATES if state.value == request.GET.get("state")), RejectedState.OPEN)


def receipt_in(sent: QueryDict) -> uuid.UUID | None:
    """Return the receipt whose records are asked for, if one is."""
    try:
        return uuid.UUID(sent["batch"])
    except (KeyError, ValueError):
        return None


def state_links(
    current: RejectedState, counts: dict[str, int], batch: uuid.UUID | None
) -> list[dict[str, object]]:
    """Return the links between open, replayed and dismissed records."""
    kept = {"batch": str(batch)} if batch else {}
    return [
        {
            "label": state.label,
            "records": counts.get(state.value, 0),
            "url": f"?{urlencode({'state': state.value} | kept)}",
            "current": state is current,
        }
        for state in STATES
    ]


def crumbs(integration: Integration, last: str, *, inside: bool = False) -> list[dict[str, str]]:
    """Return the way to a page of rejected records."""
    way = [
        {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
        {"label": "Loads", "url": url_of(integration, "integration-loads")},
    ]
    if inside:
        way.append({"label": "Rejected records", "url": url_of(integration, "rejected-list")})
    return [*way, {"label": last, "url": ""}]


def counted(records: int) -> str:
    """Return a number of records in words."""
    return f"{records:,} record{'' if records == 1 else 's'}"
