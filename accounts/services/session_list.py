"""Where a person is signed in, and ending it (promise S5).

Two things end sessions. A row of django's session table that is gone ends that one. A higher `session_generation` of
the person ends every session that was opened before, listed or not: it is part of the hash that each carries.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.audit import Event
from accounts.devices import device_words
from accounts.models import User
from accounts.services.sessions import record_for_person
from accounts.services.tasks import timed
from stitchapp import request_facts

MOST_OF_CLIENT = UserSession._meta.get_field("user_agent").max_length
NOWHERE = "0.0.0.0"  # noqa: S104 - stands for an address that is not known


def live_sessions() -> QuerySet[Session]:
    found: QuerySet[Session] = Session.objects.filter(expire_date__gt=timezone.now())
    return found


def sessions_of(person: User) -> QuerySet[UserSession]:
    """Return where the person is signed in, the one used last first."""
    found: QuerySet[UserSession] = UserSession.objects.filter(
        user=person, session_key__in=live_sessions().values("session_key")
    ).order_by("-last_seen_at", "-pk")
    return found


def note_session(*, person: User, session: SessionBase) -> None:
    """Put this session into the list, or note that it is used; drop what is over."""
    if session.session_key is None:
        session.create()
    facts = request_facts.current()
    with transaction.atomic():
        UserSession.objects.update_or_create(
            session_key=session.session_key,
            defaults={
                "user": person,
                "ip": facts.address or NOWHERE,
                "user_agent": facts.client[:MOST_OF_CLIENT],
                "last_seen_at": timezone.now(),
            },
        )
        UserSession.objects.filter(user=person).exclude(
            session_key__in=live_sessions().values("session_key")
        ).exclude(session_key=session.session_key).delete()


def follow_session(*, before: str, after: str) -> None:
    """Keep the entry of a session that got a new key."""
    UserSession.objects.filter(session_key=before).update(session_key=after)


@transaction.atomic
def end_session(*, person: User, ended: UserSession) -> None:
    """End one session: its next request is that of a stranger."""
    record_for_person(
        Event.SESSION_ENDED, person, device=device_words(ended.user_agent), ended_address=ended.ip
    )
    delete_sessions([ended.session_key])


@transaction.atomic
def end_other_sessions(*, person: User, keep: str = "", told: bool = True) -> None:
    """End every session of the person but the one with the key `keep`, which must take up the new generation.

    With `told` it leaves its own event; otherwise it is part of a change that leaves one.
    """
    User.objects.filter(pk=person.pk).update(session_generation=F("session_generation") + 1)
    person.refresh_from_db(fields=["session_generation"])
    keys = UserSession.objects.filter(user=person).exclude(session_key=keep)
    delete_sessions(list(keys.values_list("session_key", flat=True)))
    if told:
        record_for_person(Event.SESSIONS_ENDED, person)


def delete_sessions(keys: list[str]) -> None:
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()


@timed("sessions.forget", every=timedelta(days=1))
def forget_sessions(now: datetime) -> None:
    """Remove sessions that are over, of people who never came back to do it themselves."""
    Session.objects.filter(expire_date__lte=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
