"""Makes the staff site the admin's default site. Apart from apps.py, where Django would take it for stitchapp's."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "stitchapp.admin_site.StaffSite"
