"""Usage of earlier cycles for the sample account: figures of a made-up past, counted by what counts every load."""

from datetime import datetime, timedelta
from math import sin

from django.db import transaction

from accounts.models import Account, User
from accounts.models.account import BILLING_PERIOD
from integrations.models import Integration
from integrations.queue.recording import record_rows
from integrations.services.integrations import (
    create_integration,
    delete_integration,
)

CYCLES = 8
TABLES = {"counters": 900, "stations": 120, "weather": 40}


@transaction.atomic
def make_earlier_usage(*, account: Account, actor: User, old: Integration, now: datetime) -> None:
    """Give the account eight cycles of rows, up to the day before yesterday, and one deleted integration's."""
    begin = now - CYCLES * BILLING_PERIOD - timedelta(days=11, hours=4)
    Account.objects.filter(pk=account.pk).update(created_at=begin, period_anchor=begin)
    winter = create_integration(account=account, actor=actor, display_name="Winter Fleet")
    days = (now - begin).days - 1
    for day in range(days):
        at = begin + timedelta(days=day, hours=2)
        for number, (table, rows) in enumerate(TABLES.items()):
            wave = 1 + 0.4 * sin(day / 9 + number) + 0.3 * day / days
            record_rows(old, {table: int(rows * wave)}, at=at)
        if day < days // 2:
            record_rows(winter, {"sledges": 75 + day % 40}, at=at)
    delete_integration(integration=winter, actor=actor)
