"""Who of the people is staff, and in which groups (decision D19)."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.audit import Event, record
from accounts.models import User


@transaction.atomic
def change_staff_rights(*, person: User, actor: User, is_staff: bool, groups: Iterable[Group]) -> None:
    """Make a person staff, or no longer, with the rights of these groups alone."""
    current = User.objects.select_for_update().get(pk=person.pk)
    before = rights_of(current)
    current.is_staff = is_staff
    current.save(update_fields=["is_staff"])
    current.groups.set(groups)
    after = rights_of(current)
    if before != after:
        record(
            Event.STAFF_CHANGED,
            account=None,
            actor=actor,
            target=current,
            target_name=current.email,
            by_staff=True,
            before=before,
            after=after,
        )


def rights_of(person: User) -> str:
    """Name a person's staff rights in words."""
    if not person.is_staff:
        return "not staff"
    names = ", ".join(person.groups.order_by("name").values_list("name", flat=True))
    return f"staff: {names or 'no group'}"
