"""How old a sign-in is, and how long a session has been idle (decision D9, app.md 17, 38)."""

import time

from django.conf import settings
from django.contrib.auth import update_session_auth_hash, user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.services.session_list import follow_session, note_session

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
SEEN_RESOLUTION_SECONDS = 10 * 60


@receiver(user_logged_in, dispatch_uid="accounts.sign_in_age")
def note_sign_in(sender: type, request: HttpRequest, user: User, **kwargs: object) -> None:
    """Remember when this session began: this signal is how Django and allauth announce every sign-in."""
    renew(request)
    note_session(person=user, session=request.session)


def renew(request: HttpRequest) -> None:
    """Count the sign-in as made now."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = int(time.time())


def is_fresh(request: HttpRequest) -> bool:
    """Tell whether the person signed in, or gave the password again, at most fifteen minutes ago."""
    return time.time() - request.session.get(SIGNED_IN_AT, 0) <= settings.FRESH_SIGN_IN_SECONDS


def keep_alive(request: HttpRequest) -> None:
    """Let the session's hours begin anew, at the cost of one write in ten minutes and not one a page."""
    now = int(time.time())
    if now - request.session.get(SEEN_AT, now) > SEEN_RESOLUTION_SECONDS:
        request.session[SEEN_AT] = now
        note_session(person=request.user, session=request.session)


def stay_signed_in(request: HttpRequest) -> None:
    """Let this session outlive a change that ends the person's other ones: a new password, a new generation."""
    before = request.session.session_key
    update_session_auth_hash(request, request.user)
    follow_session(before=before, after=request.session.session_key)
