"""The paths, each with and without a slash at its end: a redirect would lose data (import-api.md 0)."""

from django.urls import re_path

from integrations.importapi import views

app_name = "importapi"
urlpatterns = [
    re_path(r"^status/?$", views.import_status, name="status"),
    re_path(r"^limits/?$", views.import_limits, name="limits"),
    re_path(r"^batch/?$", views.batch, name="batch"),
    re_path(r"^push/?$", views.push, name="push"),
    re_path(r"^validate/?$", views.validate, name="validate"),
    re_path(r"^batches/(?P<receipt>[^/]+)/?$", views.batch_receipt, name="batch-receipt"),
    re_path(r"^(?P<path>.*)$", views.unknown_path, name="unknown-path"),
]
