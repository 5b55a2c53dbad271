"""The URL table."""

from django.contrib import admin
from django.urls import include, path

from stitchapp import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("integrations.urls")),
]

handler400 = "stitchapp.errors.bad_request"
handler403 = "stitchapp.errors.permission_denied"
handler404 = "stitchapp.errors.not_found"
handler500 = "stitchapp.errors.server_error"
