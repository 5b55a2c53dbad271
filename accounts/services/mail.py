"""Send a person a mail: HTML and text, after the answer, so that no page waits or tells by its time."""

import contextvars
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connections
from django.template.loader import render_to_string

logger = logging.getLogger("accounts.mail")
_senders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def afterwards(job: Callable[[], None]) -> None:
    """Run the job while the answer is already on its way; the process waits for it before it ends."""
    if not settings.MAIL_IN_BACKGROUND:
        job()
        return
    context = contextvars.copy_context()

    def run() -> None:
        try:
            context.run(job)
        except Exception:  # nobody waits for this thread: what fails here must be seen in the log
            logger.exception("mail.failed")
        finally:
            connections.close_all()

    _senders.submit(run)


def send_mail(template: str, *, to: str, subject: str, server: str, **context: object) -> None:
    """Send `emails/<template>` to an address. A mail server that fails is logged, never shown."""
    facts = {"product_name": settings.PRODUCT_NAME, "site_url": server, "subject": subject} | context
    message = EmailMultiAlternatives(
        subject=f"{settings.PRODUCT_NAME}: {subject}",
        body=render_to_string(f"emails/{template}.txt", facts),
        to=[to],
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", facts), "text/html")
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.error("mail.failed", extra={"template": template, "reason": type(error).__name__})
