"""Forget people and names where an account is deleted (decision D38): the trail stays, nobody is named in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from accounts.models import Account, AuditEvent, Membership, Task, User
from accounts.services.mail import KIND
from accounts.services.second_factor import authenticators_of
from accounts.services.session_list import end_other_sessions

NOBODY = "deleted.invalid"  # a domain that can never receive mail (RFC 2606)


def people_of_no_other_account(account: Account) -> list[User]:
    """Return the members, deactivated ones too, whom nothing but this account keeps here."""
    elsewhere = Membership.objects.exclude(account=account).values("user")
    members = User.objects.filter(memberships__account=account, is_staff=False)
    return list(members.exclude(pk__in=elsewhere))


def forget_person(person: User) -> None:
    """Leave of a person only the row that the trail points to: no name, no address, no way in."""
    end_other_sessions(person=person, told=False)
    Task.objects.filter(kind=KIND, facts__to=person.email).delete()  # mails that wait, or never arrived
    authenticators_of(person).delete()
    EmailAddress.objects.filter(user=person).delete()
    person.email = f"person-{secrets.token_hex(8)}@{NOBODY}"  # nobody can have signed up with it before
    person.first_name, person.last_name = "Deleted", "person"
    person.is_active = False
    person.set_unusable_password()
    person.save(update_fields=["email", "first_name", "last_name", "is_active", "password"])


def forget_names_in_trail(account: Account, people: Iterable[User]) -> int:
    """Take names, addresses and details out of the account's trail, and of what these people did, or was done
    to them, outside any account.

    What happened, when and by which number stays.
    """
    people = list(people)
    about_them = Q(actor__in=people) | Q(object_type="user", object_id__in=[person.pk for person in people])
    theirs = Q(account=account) | Q(account=None) & about_them
    return int(AuditEvent.objects.filter(theirs).pseudonymise())


def forget_names_in_admin_log(account: Account, people: Iterable[User]) -> None:
    """Take the account's and the people's names out of what the admin notes of changes that staff make there."""
    for model, rows in ((Account, [account]), (User, people)):
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(model), object_id__in=[str(row.pk) for row in rows]
        ).update(object_repr="")
