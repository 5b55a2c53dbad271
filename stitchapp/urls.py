"""The URL table."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import session
from stitchapp import health, views

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("styleguide", views.styleguide, name="styleguide"),
    path("styleguide/<slug:page>", views.styleguide, name="styleguide-page"),
    # One way in and one way out, with the throttle and the trail of accounts/views/session.py.
    path("admin/login/", session.admin_sign_in, name="admin-sign-in"),
    path("admin/logout/", session.sign_out, name="admin-sign-out"),
    path("admin/password_change/", session.admin_password_change, name="admin-password-change"),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("integrations.urls")),
]

handler400 = "stitchapp.errors.bad_request"
handler403 = "stitchapp.errors.permission_denied"
handler404 = "stitchapp.errors.not_found"
handler500 = "stitchapp.errors.server_error"
