"""The Account Settings tab: company, region, API access keys, partner keys (app.md 5, 6, 7)."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.forms.account_settings import CompanyForm
from accounts.models import MAX_API_KEYS, Region
from accounts.plans import Feature, has_feature
from accounts.services.api_keys import KeyLimitReached
from accounts.services.company import update_company
from accounts.services.two_factor_rule import coverage_of
from accounts.settings_tabs import settings_tabs
from accounts.views.key_rows import key_rows
from stitchapp.rendering import render_page


@allow(Can.VIEW_ACCOUNT)
@require_safe
def account_settings(request: HttpRequest) -> HttpResponse:
    """Show the tab."""
    return show_settings(request, CompanyForm(initial={"company_name": request.account.company_name}))


@allow(Can.MODIFY_COMPANY)
@require_POST
def company_update(request: HttpRequest) -> HttpResponse:
    """Give the company its name."""
    form = CompanyForm(request.POST)
    if not form.is_valid():
        return show_settings(request, form, status=422)
    update_company(account=request.account, actor=request.user, **form.cleaned_data)
    messages.success(request, "Your company information was updated.")
    return redirect("accounts:account-settings", client_id=request.account.client_id)


def show_settings(request: HttpRequest, form: CompanyForm, *, status: int = 200) -> HttpResponse:
    """Render the tab with the company form as it stands."""
    account, now = request.account, timezone.now()
    api_access = has_feature(account, Feature.CONNECT_API, now)
    may_manage_keys = may(request.membership, Can.MANAGE_API_KEYS)
    rows = key_rows(account, api_access=api_access, may_manage=may_manage_keys, now=now)
    context = {
        "coverage": coverage_of(account) if may(request.membership, Can.REQUIRE_TWO_FACTOR) else None,
        "settings_tabs": settings_tabs(account, "accounts:account-settings"),
        "company_form": form,
        "region": Region(account.region),
        "may_modify_company": may(request.membership, Can.MODIFY_COMPANY),
        "key_rows": rows,
        "max_keys": MAX_API_KEYS,
        "limit_words": KeyLimitReached.message,
        "may_manage_keys": may_manage_keys,
        "explanation": "" if api_access else Feature.CONNECT_API.explanation,
        "at_limit": api_access and len(rows) >= MAX_API_KEYS,
        "may_generate": api_access and len(rows) < MAX_API_KEYS,
        "may_change_plan": settings.PLAN_SELF_SERVICE and may(request.membership, Can.MANAGE_PLAN),
    }
    return render_page(request, "accounts/account_settings.html", context, status=status)
