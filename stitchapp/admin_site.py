"""The admin: the staff's window on accounts, keys, tokens, loads and the audit trail (decisions D19, D33)."""

from django.contrib import admin

# What comes with a library would show its secrets, or change rights past the audit trail.
PASSED_OVER = ("allauth.", "django.contrib.auth.")


class StaffSite(admin.AdminSite):
    """Django's admin with what is ours in it; people come in through the product's sign-in page."""

    site_header = site_title = "Stitch staff"
    index_title = "Accounts and their data"
    index_template = "admin/staff_index.html"
    empty_value_display = "–"
    enable_nav_sidebar = False

    def register(self, model_or_iterable, admin_class=None, **options) -> None:
        """Register a model; pass over those that libraries register of their own accord."""
        if admin_class is None or not admin_class.__module__.startswith(PASSED_OVER):
            super().register(model_or_iterable, admin_class, **options)
