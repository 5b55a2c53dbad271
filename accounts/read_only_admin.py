"""What the admin pages of every model share: staff read, and change only through services (decision D33)."""

from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.forms.lines import LineField


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows the columns of `fields` and no others; nobody adds, changes or deletes, superusers included."""

    list_per_page = 50
    show_full_result_count = False
    actions_on_bottom = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None):
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReasonForm(forms.Form):
    """Why staff act; the account's members read it in their trail."""

    reason = LineField(
        label="Reason",
        help_text="The account’s members read it under Activity.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )


def act_with_reason(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    chosen: QuerySet,
    *,
    action: str,
    title: str,
    warning: str,
    button: str,
    describe: Callable[[Model], str],
    act: Callable[[Model, str], None],
) -> HttpResponse | None:
    """Ask for a reason on a page that names what will break; once it is given, act on each chosen row."""
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    rows = list(chosen)
    if not rows:
        model_admin.message_user(
            request, "Nothing to do: none of the chosen ones is in a state for it.", messages.WARNING
        )
        return None
    if form.is_valid():
        for row in rows:
            act(row, form.cleaned_data["reason"])
        model_admin.message_user(request, f"{title}: {len(rows)} done.", messages.SUCCESS)
        return None
    context = model_admin.admin_site.each_context(request) | {
        "title": title,
        "opts": model_admin.model._meta,
        "warning": warning,
        "button": button,
        "action": action,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "rows": [(row.pk, describe(row)) for row in rows],
        "form": form,
    }
    return TemplateResponse(request, "admin/reason.html", context, status=422 if form.errors else 200)
