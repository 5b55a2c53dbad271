"""Pages of integrations, destinations and loads, and the help pages: what links lead to, without the APIs."""

from django.urls import URLPattern, URLResolver, include, path

from integrations.guides import MOVED
from integrations.views import guides

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("integrations.views.urls")),
    path("docs/", guides.guide_list, name="guide-list"),
    *(path(old, guides.guide_moved, {"slug": slug}, name="guide-moved") for old, slug in MOVED.items()),
    path("docs/<path:slug>", guides.guide, name="guide"),
]
