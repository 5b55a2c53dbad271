"""The URL table made concrete: an address for every route, with the objects of one account in it."""

import re
from dataclasses import dataclass
from functools import cached_property

from accounts.models import Account, ApiKey, Invitation, Membership, Role, User
from integrations.models import (
    AccessToken,
    Batch,
    Delivery,
    Destination,
    Integration,
    Job,
    Notification,
    NotificationAddress,
    RejectedRecord,
    Stream,
)
from stitchapp.routes import every_route
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_batch,
    make_delivery,
    make_hook,
    make_integration,
    make_invitation,
    make_job,
    make_member,
    make_notification,
    make_notification_address,
    make_postgres_destination,
    make_rejected,
    make_source,
    make_stream,
)

API = ("/v2/", "/v3/", "/v4/", "/notifications/public/")
ROUTES = sorted(
    {route: (route, name, view) for route, name, view in reversed(list(every_route()))}.values(),
    key=lambda entry: entry[0],
)
# What stands in an address and is no object of an account.
FIXED = {
    "plan_slug": "standard",
    "destination_type": "postgres",
    "source_type": "import_api",
    "log": "nothing",
    "code": "new",
    "key": "nothing",
    "page": "components",
    "path": "nowhere",
    "slug": "nowhere",
    "url": "nowhere",
    "app_label": "accounts",
    "object_id": "1",
    "content_type_id": "1",
    "from_field": "id",
    "table_id": "1000000",
    "session": "1000000",
    "passkey": "1000000",
}


@dataclass
class World:
    """One account with a member and one of each thing that an address can name."""

    member: User
    account: Account

    @cached_property
    def integration(self) -> Integration:
        return make_integration(self.account)

    @cached_property
    def api_key(self) -> tuple[ApiKey, str]:
        return make_api_key(self.account)

    @cached_property
    def colleague(self) -> Membership:
        """Somebody to whom things may happen without ending the world's own member."""
        return make_member(self.account, role=Role.GENERAL_USER).memberships.get()

    @cached_property
    def invitation(self) -> Invitation:
        return make_invitation(self.account)

    @cached_property
    def access_token(self) -> tuple[AccessToken, str]:
        return make_access_token(self.integration)

    @cached_property
    def destination(self) -> Destination:
        return make_postgres_destination(self.account)

    @cached_property
    def batch(self) -> Batch:
        return make_batch(self.integration)

    @cached_property
    def notification(self) -> Notification:
        return make_notification(self.integration)

    @cached_property
    def notification_address(self) -> NotificationAddress:
        return make_notification_address(self.account)

    @cached_property
    def rejected(self) -> RejectedRecord:
        return make_rejected(self.integration)

    @cached_property
    def delivery(self) -> Delivery:
        return make_delivery(make_hook(self.account))

    @cached_property
    def source(self) -> Integration:
        """An integration that a tap reads."""
        return make_source(self.account)

    @cached_property
    def stream(self) -> Stream:
        return make_stream(self.source)

    @cached_property
    def job(self) -> Job:
        return make_job(self.source)

    def value(self, name: str) -> str:
        """Return what stands for a parameter; fail for one that nobody has thought of."""
        if name in FIXED:
            return FIXED[name]
        return str(
            {
                "client_id": lambda: self.account.client_id,
                "integration_id": lambda: self.integration.pk,
                "destination_id": lambda: self.destination.pk,
                "source_id": lambda: self.integration.pk,
                "api_key_id": lambda: self.api_key[0].pk,
                "membership_id": lambda: self.colleague.pk,
                "invitation_id": lambda: self.invitation.pk,
                "token_id": lambda: self.access_token[0].pk,
                "access_token_id": lambda: self.access_token[0].pk,
                "receipt": lambda: self.batch.receipt,
                "group": lambda: self.rejected.group,
                "rejected_id": lambda: self.rejected.pk,
                "notification_id": lambda: self.notification.pk,
                "address_id": lambda: self.notification_address.pk,
                "stream_id": lambda: self.stream.pk,
                "job_id": lambda: self.job.pk,
                "job_name": lambda: self.job.name,
                "hook_id": lambda: self.delivery.hook_id,
                "delivery_id": lambda: self.delivery.pk,
            }[name]()
        )

    def address(self, route: str) -> str:
        """Return the address of a route for this account."""
        plain = route.replace("^", "").replace("$", "").replace("/?", "")
        plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: self.value(found[1]), plain)
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self.value(found[1]), plain)


def make_world() -> World:
    account = make_account()
    member = make_member(account, is_staff=True, is_superuser=True)
    return World(member=member, account=account)


def is_api(route: str) -> bool:
    return f"/{route}".startswith(API)
