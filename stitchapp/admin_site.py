"""The admin: the staff's window on accounts, keys, tokens, loads and the audit trail (decisions D19, D33)."""

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

# What comes with a library would show its secrets, or change rights past the audit trail.
PASSED_OVER = ("allauth.", "django.contrib.auth.")


class StaffSite(admin.AdminSite):
    """Django's admin behind the product's own sign-in page."""

    site_header = site_title = "Stitch staff"
    index_title = "Accounts and their data"
    index_template = "admin/staff_index.html"
    empty_value_display = "–"
    enable_nav_sidebar = False

    def register(self, model_or_iterable, admin_class=None, **options) -> None:
        """Register a model; pass over those that libraries register of their own accord."""
        if admin_class is None or not admin_class.__module__.startswith(PASSED_OVER):
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Send the stranger to the product's sign-in page, and refuse the person who is not staff."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("These pages are for staff.")
        wanted = request.GET.get("next") or reverse("admin:index")
        return redirect_to_login(wanted) if request.user.is_anonymous else redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("accounts:home")

    def password_change(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("accounts:home")

    def password_change_done(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        return redirect("accounts:home")
