"""What people find in their mailboxes: mails wait in the outbox until a worker sends them."""

from django.core import mail
from django.core.mail import EmailMultiAlternatives

from accounts.services.task_work import drain


def sent_mails() -> list[EmailMultiAlternatives]:
    """Do the background work that is due, and return every mail of the test so far."""
    drain()
    return mail.outbox
