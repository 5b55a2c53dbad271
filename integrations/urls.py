"""Pages of integrations, destinations and loads, the help pages, and the two APIs."""

from django.urls import URLPattern, URLResolver, include, path

from integrations import page_urls
from integrations.importapi.views import unknown_path
from integrations.views import credential_look_up

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    *page_urls.urlpatterns,
    path("staff/credential", credential_look_up.credential_look_up, name="credential-look-up"),
    path("", include("integrations.connect.urls")),
    path("v2/import", unknown_path, {"path": ""}, name="import-folder"),
    path("v2/import/", include("integrations.importapi.urls")),
]
