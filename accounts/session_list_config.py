"""django-allauth's list of sessions, without what it does at each sign-in: it would ask about them one by one."""

from allauth.usersessions.apps import UserSessionsConfig


class SessionListConfig(UserSessionsConfig):
    def ready(self) -> None:
        """Listen to nothing: accounts/services/session_list.py keeps the list."""
