"""Mails: written with the change that they tell of, sent by a worker, tried again, and shown when they fail."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.models import Account, Task
from accounts.services.mail_facts import LINK_MAKERS, MailPointless, RowGone, packed, unpacked
from accounts.services.tasks import TaskFailed, add_task, handles

logger = logging.getLogger("accounts.mail")
KIND = "mail"
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a mail is that has not arrived yet."""

    error: str  # of the last try; empty before the first
    next_try_at: datetime | None
    failed_at: datetime | None  # when it was given up

    @property
    def is_failed(self) -> bool:
        return self.failed_at is not None


def send_mail(
    template: str,
    *,
    to: str,
    subject: str,
    server: str,
    after_name: str = ": ",
    account: Account | None = None,
    key: str = "",
    link: tuple[str, *tuple[Any, ...]] | None = None,
    **context: object,
) -> None:
    """Have `emails/<template>` sent to an address, if the transaction commits.

    `link` names a maker (`makes_link`) and its numbers: the mail's button leads there, by a path made when it is
    sent. With a `key` at most one such mail waits, and `undelivered` finds it. In the subject `after_name` stands
    between the product's name and the rest.
    """
    add_task(
        KIND,
        account=account,
        key=key,
        template=template,
        to=to,
        subject=subject,
        server=server,
        after_name=after_name,
        link=list(link) if link is not None else None,
        context=packed(context),
    )


def undelivered(account: Account) -> dict[str, Delivery]:
    """Return the account's mails that have not gone out, by their keys."""
    waiting = account.tasks.filter(kind=KIND).exclude(key="").order_by("pk")
    return {
        task.key: Delivery(task.error, None if task.failed_at else task.due_at, task.failed_at)
        for task in waiting
    }


@handles(KIND, shown=("template", "to"))
def deliver(task: Task) -> None:
    """Make the mail and hand it to the mail server."""
    try:
        message = message_of(task)
    except MailPointless:
        logger.info("mail.pointless", extra={"template": task.facts["template"]})
        return
    except RowGone as error:
        raise TaskFailed(
            f"What it tells of was removed before it was sent ({error}).", for_good=True
        ) from error
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        refusals = [code for code, _ in error.recipients.values()]
        for_good = all(500 <= code < 600 for code in refusals)
        codes = ", ".join(str(code) for code in refusals)
        raise TaskFailed(f"The mail server refused the address ({codes}).", for_good=for_good) from error
    except SMTPResponseException as error:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else ""
        raise TaskFailed(f"The mail server answered {error.smtp_code} {said}"[:MOST_SHOWN]) from error
    except (SMTPException, OSError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise TaskFailed(f"The mail server could not be used: {reason}.") from error


def message_of(task: Task) -> EmailMultiAlternatives:
    """Render the mail, with its link as it holds from now on."""
    facts = task.facts
    context = {
        "product_name": settings.PRODUCT_NAME,
        "site_url": facts["server"],
        "subject": facts["subject"],
    } | unpacked(facts["context"])
    if facts["link"] is not None:
        name, *numbers = facts["link"]
        context["button_url"] = facts["server"] + LINK_MAKERS[name](*numbers)
    subject = f"{settings.PRODUCT_NAME}{facts.get('after_name', ': ')}{facts['subject']}"
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),  # it quotes names of a sender's choice; a header has one line
        body=render_to_string(f"emails/{facts['template']}.txt", context),
        to=[facts["to"]],
        headers={"Message-ID": message_id(task)},
    )
    message.attach_alternative(render_to_string(f"emails/{facts['template']}.html", context), "text/html")
    return message


def message_id(task: Task) -> str:
    """Name the mail alike on every try, so that one that arrives twice is known to be the same."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<task-{task.pk}-{task.created_at:%Y%m%d%H%M%S%f}@{domain}>"
