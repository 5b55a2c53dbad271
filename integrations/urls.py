"""Pages of integrations, destinations and loads, the help pages, and the two APIs."""

from django.urls import URLPattern, URLResolver, include, path

from integrations.guides import MOVED
from integrations.importapi.views import unknown_path
from integrations.views import credential_look_up, guides

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("integrations.views.urls")),
    path("staff/credential", credential_look_up.credential_look_up, name="credential-look-up"),
    path("v4/", include("integrations.connect.urls")),
    path("v2/import", unknown_path, {"path": ""}, name="import-folder"),
    path("v2/import/", include("integrations.importapi.urls")),
    path("docs/", guides.guide_list, name="guide-list"),
    *(path(old, guides.guide_moved, {"slug": slug}, name="guide-moved") for old, slug in MOVED.items()),
    path("docs/<path:slug>", guides.guide, name="guide"),
]
