"""Change what a person says about themselves (app.md 4.5)."""

from django.db import transaction

from accounts.audit import Event
from accounts.models import User
from accounts.services.email_addresses import ask_for_address
from accounts.services.sessions import record_for_person


@transaction.atomic
def update_profile(*, person: User, first_name: str, last_name: str, email: str, error_mail: bool) -> None:
    """Store name and choice of mail; a new address only waits for its owner to confirm it."""
    ask_for_address(person=person, email=email)
    person.first_name, person.last_name, person.error_mail = first_name, last_name, error_mail
    person.save(update_fields=["first_name", "last_name", "error_mail"])
    record_for_person(Event.PROFILE_UPDATED, person)
