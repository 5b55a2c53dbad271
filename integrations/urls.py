"""Pages of integrations, destinations and loads, and the two APIs."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("v4/", include("integrations.connect.urls")),
    path("v2/import/", include("integrations.importapi.urls")),
]
