"""Pages of integrations, destinations and loads, and the two APIs."""

from django.urls import URLPattern

app_name = "integrations"
urlpatterns: list[URLPattern] = []
