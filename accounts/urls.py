"""Pages of people, accounts, plans and keys."""

from django.urls import path

from accounts.views import home, session

app_name = "accounts"
urlpatterns = [
    path("", home.home, name="home"),
    path("session/create", session.sign_in, name="sign-in"),
    path("session/end", session.sign_out, name="sign-out"),
    path("session/confirm", session.session_confirm, name="session-confirm"),
]
