"""The pages of people in an account with 500 members, and for somebody in 20 accounts."""

import json
import statistics
import tempfile
from pathlib import Path

from tests.bench.measuring import percentile, report
from tests.bench.pages import ROUNDS, Asking
from tests.queue.processes import GUNICORN, Product, prepared_product

MEMBERS, ACCOUNTS = 500, 20
FILL = f"""
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from accounts.models import Membership, User
from tests.factories import make_account, make_api_key, make_invitation, make_member
account = make_account(client_id=700_000)
user = make_member(account, email="reader@example.com")
leaver = make_member(account, role="general_user")
for _ in range(10):
    make_api_key(account, leaver)
people = User.objects.bulk_create(
    User(email=f"member{{number}}@example.com", first_name="Member", last_name=f"Number {{number}}")
    for number in range({MEMBERS} - 2)
)
Membership.objects.bulk_create(
    Membership(account=account, user=person, deactivated_at=timezone.now() if number % 10 == 0 else None)
    for number, person in enumerate(people)
)
for _ in range(20):
    make_invitation(account)
for _ in range({ACCOUNTS} - 1):
    Membership.objects.create(account=make_account(), user=user)
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session["signed_in_at"] = timezone.now().timestamp()
session.save()
members = f"/client/{{account.client_id}}/account/members"
place = leaver.memberships.get()
print(json.dumps({{
    "cookie": f"{{settings.SESSION_COOKIE_NAME}}={{session.session_key}}",
    "Members, the first of {MEMBERS}": members,
    "Members, a search among {MEMBERS}": f"{{members}}?q=number+12",
    "leaver's desk with 10 keys and {MEMBERS} possible owners": f"{{members}}/{{place.pk}}/deactivate",
    "own accounts, {ACCOUNTS} of them": "/accounts",
}}))
"""


def main() -> None:
    """Start the product and ask for each page in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url)
        product.environment |= {"WEB_WORKERS": "1", "DEVELOPMENT": "false"}
        try:
            addresses = json.loads(product.manage("shell", "-v0", "-c", FILL))
            cookie = addresses.pop("cookie")
            product.start("web", GUNICORN)
            product.wait_until_ready()
            for what, address in addresses.items():
                measure(what, Asking(product, address, cookie))
        finally:
            product.end()


def measure(what: str, page: Asking) -> None:
    """Ask for one page again and again."""
    for _ in range(10):
        page.ask()
    page.begin()
    for _ in range(ROUNDS):
        page.ask()
    report(f"{what}: p50", statistics.median(page.seconds) * 1000, "ms")
    report(f"{what}: p95", percentile(page.seconds, 95) * 1000, "ms")
    report(f"{what}: CPU", page.cpu() / ROUNDS * 1000, "ms")
    report(f"{what}: size", page.size / 1024, "KiB")
