"""Let a person in who has lost telephone, passkeys and recovery codes alike."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services.second_factor import reset_second_factors


class Command(BaseCommand):
    """Remove a person's two-factor authentication, having made sure who asks."""

    help = "Remove a person's two-factor authentication. Make sure first that it is they who ask."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that the person signs in with")
        parser.add_argument("--reason", required=True, help="why; it stands in the trail of their accounts")

    def handle(self, *args: object, email: str, reason: str, **options: object) -> None:
        person = User.objects.filter(email=email.lower()).first()
        if person is None:
            raise CommandError(f"Nobody signs in with {email}.")
        if reset_second_factors(person=person, actor=None, reason=reason, server=settings.PUBLIC_URL):
            self.stdout.write(f"{email} signs in with the password alone, and was told so by mail.")
        else:
            self.stdout.write(f"{email} has no two-factor authentication.")
