"""Help pages. They claim only what works on this server."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import public
from integrations.guides import API_SLUG, BY_SLUG, sections
from integrations.models import MAX_HOOKS
from integrations.notification_words import kinds_explained
from integrations.services.hook_deliveries import kept
from integrations.services.rehearsals import MAX_SAMPLE_BYTES
from integrations.snippets import PREPARE_POSTGRESQL, RECEIVE_HOOK, SOURCE_DECLARATION, scheduler_examples
from stitchapp.server_address import server_address


@public
@require_safe
def guide_list(request: HttpRequest) -> HttpResponse:
    """All guides, by section."""
    show_account_bar(request)
    return render(request, "guides/guide_list.html", {"sections": sections()})


@public
@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide; its examples name this server's own address."""
    page = BY_SLUG.get(slug.removesuffix("/"))
    if page is None:
        raise Http404
    show_account_bar(request)
    context = {
        "guide": page,
        "sections": sections(),
        "server": server_address(request),
        "support_address": settings.SUPPORT_ADDRESS,
        "sample_mib": MAX_SAMPLE_BYTES // 1024**2,
        "max_body_mib": settings.MAX_BODY_BYTES / 1024**2,
        "max_body_bytes": settings.MAX_BODY_BYTES,
        "receipts_kept": settings.RECEIPTS_KEPT,
        "notification_kinds": kinds_explained(),
        "prepare_postgresql": PREPARE_POSTGRESQL,
        "source_declaration": SOURCE_DECLARATION,
        "receive_hook": RECEIVE_HOOK,
        "examples": scheduler_examples(),
        "deliveries_kept": kept(),
        "max_hooks": MAX_HOOKS,
    }
    if page.slug == API_SLUG:
        context["reference"] = api_reference()
    return render(request, page.template, context)


def api_reference() -> dict[str, object]:
    """Return what the Stitch API's document says, for the page that shows all of it."""
    from integrations.connect import reference  # only this page needs it

    return {"resources": reference.resources(), "shapes": reference.shapes()}


@public
@require_safe
def guide_moved(request: HttpRequest, slug: str) -> HttpResponse:
    """A guide's former or bare address leads to its page."""
    return redirect("integrations:guide", slug=slug, permanent=True)


def show_account_bar(request: HttpRequest) -> None:
    """Let a signed-in person keep the bar of the account they used last: help is read beside the work."""
    if request.user.is_authenticated:
        membership = request.user.memberships.active().last_used().first()
        if membership is not None:
            request.account = membership.account
