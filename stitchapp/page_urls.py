"""The addresses that links in mails lead to, for a program that makes links and answers no request.

The whole table would load both APIs and the admin, a fifth of the memory of such a program.
"""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("integrations.page_urls")),
]
