"""Replay: choose what to do with rejected records, see what would be sent, and send it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow
from accounts.errors import DomainError
from integrations.forms.replay import ReplayForm, encoded
from integrations.loading.remedies import RemedyKind, field_paths
from integrations.models import RejectedRecord, RejectedState
from integrations.queue.replay_preview import preview_replay
from integrations.queue.replaying import Replayed, replay_rejected
from integrations.services.rejected_records import message_of, pretty
from integrations.views.frame import find_integration, frame, url_of
from integrations.views.rejected_records import (
    SHOWN_CHARACTERS,
    choice,
    chosen_of,
    counted,
    crumbs,
    group_or_404,
)
from stitchapp.rendering import render_page

REASONS_TOLD = 3


@allow(Can.MODIFY_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def rejected_replay(request: HttpRequest, integration_id: int, group: str) -> HttpResponse:
    """Preview a remedy on the first of the chosen records; sent, apply it to all of them."""
    integration = find_integration(request, integration_id)
    records = group_or_404(integration, group)
    back = url_of(integration, "rejected-group", group=group)
    sent = request.POST if request.method == "POST" else request.GET
    chosen = chosen_of(records, sent)
    first = chosen.filter(state=RejectedState.OPEN).order_by("pk").first() if chosen is not None else None
    if first is None:
        words = "Choose at least one record." if chosen is None else "None of these records is open any more."
        messages.warning(request, words)
        return redirect(back)
    form = form_for(first, sent)
    preview = None
    if form.is_valid():
        remedy = form.chosen()
        preview = preview_replay(integration=integration, rejected=first, remedy=remedy)
        if request.method == "POST" and not preview.stops_table:
            try:
                done = replay_rejected(
                    integration=integration, actor=request.user, chosen=chosen, remedy=remedy
                )
            except DomainError as error:
                form.add_error(None, error.message)
            else:
                return redirect(told(request, done, back))
    context = frame(request, integration, "integration-loads") | {
        "about": first,
        "form": form,
        "records": chosen.filter(state=RejectedState.OPEN).count(),
        "preview": preview,
        "before": shown(message_of(first)["data"]),
        "after": shown(preview.after) if preview is not None and preview.after is not None else "",
        "choice": choice(sent),
        "remedy": [(name, form[name].value() or "") for name in form.fields],
        "replay_url": request.path,
        "cancel_url": back,
        "crumbs": crumbs(integration, "Replay", inside=True),
    }
    status = 422 if request.method == "POST" else 200
    return render_page(request, "integrations/rejected_replay.html", context, status=status)


def form_for(rejected: RejectedRecord, sent: QueryDict) -> ReplayForm:
    """Return the form as it was sent, or as it opens: the field at fault chosen, nothing done to it."""
    data = message_of(rejected)["data"] or {}
    paths = field_paths(data)
    at_fault = tuple(rejected.path)
    if "remedy" in sent:
        return ReplayForm(sent, paths=paths)
    opening = {
        "remedy": RemedyKind.AS_IT_IS.value,
        "field": encoded(at_fault) if at_fault in paths else "",
        "type": "string",
        "name": "",
    }
    if at_fault not in paths and paths:
        opening["field"] = encoded(paths[0])
    return ReplayForm(opening, paths=paths)


def told(request: HttpRequest, done: Replayed, back: str) -> str:
    """Say what a replay did, and return the page that shows it."""
    if done.records:
        messages.success(request, f"{counted(done.records)} sent again.")
    if done.left:
        messages.info(request, f"One replay takes as much as one request: {counted(done.left)} still open.")
    if done.unfit:
        reasons = list(dict.fromkeys(done.unfit.values()))
        more = "" if len(reasons) <= REASONS_TOLD else " …"
        messages.warning(
            request, f"{counted(len(done.unfit))} not sent: {' '.join(reasons[:REASONS_TOLD])}{more}"
        )
    if not (done.records or done.unfit):
        messages.warning(request, "None of these records is open any more.")
    return f"{back}?state=replayed" if done.records and not done.left and not done.unfit else back


def shown(record: object) -> str:
    """Return a record for the page, cut where it is very long."""
    text = pretty(record)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}\n…"
