"""Plain functions that make the least valid thing; what matters to a test is written in the test."""

import hashlib
import itertools
import json
import uuid
import zlib

from django.utils import timezone

from accounts import sealing, secrets
from accounts.models import Account, ApiKey, Invitation, Membership, Plan, Role, User
from integrations.models import (
    AccessToken,
    Batch,
    BatchTable,
    Delivery,
    Destination,
    DestinationType,
    Hook,
    Integration,
    Job,
    JobMode,
    JobTrigger,
    Kind,
    Load,
    LoadedTable,
    LoadStatus,
    Notification,
    NotificationAddress,
    QueuedTable,
    RejectedFormat,
    RejectedRecord,
    SetUpStep,
    Stream,
)
from integrations.services.credentials import seal
from integrations.services.destinations import main_destination
from integrations.services.hooks import USE, owner_of

numbers = itertools.count(1)


def make_user(**fields) -> User:
    number = next(numbers)
    fields = {
        "email": f"person{number}@example.com",
        "first_name": "Ann",
        "last_name": f"Number{number}",
    } | fields
    return User.objects.create_user(**fields)


def make_account(*, plan: str = "advanced", **fields) -> Account:
    fields = {"company_name": f"Company {next(numbers)}", "region": "us"} | fields
    return Account.objects.create(plan=Plan.objects.get(slug=plan), **fields)


def make_member(account: Account | None = None, *, role: str = Role.ADMINISTRATOR, **fields) -> User:
    """Return a person who belongs to the account (a new one when none is given)."""
    user = make_user(**fields)
    Membership.objects.create(account=account or make_account(), user=user, role=role)
    return user


def make_invitation(account: Account, **fields) -> Invitation:
    """Return a pending invitation of an address that nobody has."""
    fields = {"email": f"invited{next(numbers)}@example.com"} | fields
    inviter = fields.pop("invited_by", None) or account.memberships.first().user
    return Invitation.objects.create(account=account, invited_by=inviter, **fields)


def make_api_key(account: Account, creator: User | None = None, **fields) -> tuple[ApiKey, str]:
    """Return a key and its secret."""
    secret = secrets.generate(secrets.API_KEY_PREFIX)
    fields = {"description": "Used in a test"} | fields
    key = ApiKey.objects.create(
        account=account,
        digest=secrets.digest(secret),
        last_four=secret[-4:],
        created_by=creator or account.memberships.first().user,
        **fields,
    )
    return key, secret


def make_integration(account: Account, **fields) -> Integration:
    number = next(numbers)
    fields = {"display_name": f"Integration {number}", "schema_name": f"integration_{number}"} | fields
    return Integration.objects.create(
        account=account,
        created_by=fields.pop("created_by", None) or account.memberships.first().user,
        **fields,
    )


def make_source(account: Account, **fields) -> Integration:
    """Return an integration that a tap reads, fully configured unless `fields` say else; nothing is installed."""
    return make_integration(
        account, **{"type": "platform.hp-postgres", "step": SetUpStep.FULLY_CONFIGURED} | fields
    )


def make_stream(integration: Integration, name: str = "orders", **fields) -> Stream:
    """Return a table that a discovery found; nothing of it is chosen unless `fields` say so."""
    tap_stream_id = fields.pop("tap_stream_id", f"shop-public-{name}")
    properties = {"id": {"type": ["null", "integer"]}, "title": {"type": ["null", "string"]}}
    fields = {
        "stream_name": name,
        # In the order in which PostgreSQL, too, keeps the keys of JSON: by length.
        "metadata": {"is-view": False, "row-count": 3, "table-key-properties": ["id"]},
        "schema": json.dumps({"type": "object", "properties": properties}),
        "field_metadata": {
            json.dumps(["properties", field]): {"inclusion": inclusion, "selected-by-default": True}
            for field, inclusion in (("id", "automatic"), ("title", "available"))
        },
        "field_count": 2,
        "found_at": timezone.now(),
    } | fields
    digest = hashlib.sha256(tap_stream_id.encode()).hexdigest()
    return Stream.objects.create(
        integration=integration, tap_stream_id=tap_stream_id, id_digest=digest, **fields
    )


def make_job(integration: Integration, *, mode: str = JobMode.SYNC, **fields) -> Job:
    """Return a job that was completed well a moment ago, unless `fields` say else; no worker knows it."""
    now = timezone.now()
    account = integration.account
    fields = {
        "name": f"{account.client_id}.{integration.pk}.{mode}.{uuid.uuid4()}",
        "trigger": JobTrigger.SCHEDULE,
        "created_at": now,
        "started_at": now,
        "completed_at": now,
        "discovery_exit_status": 0,
    } | fields
    if fields["completed_at"] is not None:
        ended = ["check_exit_status"] if mode == JobMode.CHECK else ["tap_exit_status", "target_exit_status"]
        fields = dict.fromkeys(ended, 0) | fields
    return Job.objects.create(account=account, integration=integration, mode=mode, **fields)


def make_postgres_destination(account: Account, *, password: str = "", **fields) -> Destination:
    """Return a PostgreSQL destination; nobody listens there unless `fields` say where."""
    fields = {
        "display_name": f"Warehouse {next(numbers)}",
        "host": "127.0.0.1",
        "port": 1,
        "database": "warehouse",
        "username": "loader",
        "ssl": False,
        "sealed_password": seal(password, account=account),
    } | fields
    return Destination.objects.create(account=account, type=DestinationType.POSTGRES, **fields)


def make_notification(
    integration: Integration | None = None, *, account: Account | None = None, **fields
) -> Notification:
    """Return an open notification: a table of the integration that cannot be loaded, unless `fields` say else."""
    now = fields.pop("now", timezone.now())
    kind = fields.pop("kind", Kind.ERROR_PERSISTING_TABLE)
    fields = {
        "cause": f"cause {next(numbers)}",
        "message": "Encountered an error while loading the table bikes.",
        "details": "Key mismatch: id",
        "began_at": now,
        "latest_at": now,
    } | fields
    owner = account or integration.account
    return Notification.objects.create(account=owner, integration=integration, kind=kind.stored, **fields)


def make_notification_address(account: Account, **fields) -> NotificationAddress:
    """Return an address of the custom list that gets mail, unless `fields` say else."""
    fields = {"email": f"list{next(numbers)}@example.com", "confirmed_at": timezone.now()} | fields
    return NotificationAddress.objects.create(account=account, **fields)


def make_access_token(integration: Integration, **fields) -> tuple[AccessToken, str]:
    """Return a token and its secret."""
    secret = secrets.generate(secrets.ACCESS_TOKEN_PREFIX)
    token = AccessToken.objects.create(
        account=integration.account,
        integration=integration,
        digest=secrets.digest(secret),
        created_by=integration.created_by,
        created_at=fields.pop("created_at", timezone.now()),
        **fields,
    )
    return token, secret


def make_load(integration: Integration, table_name: str = "bikes", *, error: str = "", **fields) -> Load:
    """Return an attempt to load the table that has just ended, well unless there is an error."""
    now = timezone.now()
    return Load.objects.create(
        account=integration.account,
        integration=integration,
        table_name=table_name,
        error=error,
        status=LoadStatus.ERROR if error else LoadStatus.SUCCESS,
        **{"started_at": now, "finished_at": now} | fields,
    )


def make_loaded_table(integration: Integration, **fields) -> LoadedTable:
    """Return a table as the loader leaves it; a root table unless `root` says else."""
    now = timezone.now()
    fields = {
        "name": f"table_{next(numbers)}",
        "columns": [["_sdc_batched_at", "TIMESTAMP WITH TIME ZONE"], ["id", "BIGINT"]],
        "first_loaded_at": now,
        "last_loaded_at": now,
    } | fields
    return LoadedTable.objects.create(
        account=integration.account,
        integration=integration,
        root=fields.pop("root", fields["name"]),
        **fields,
    )


def make_batch(integration: Integration, *tables: str, **fields) -> Batch:
    """Return an accepted batch with a waiting share of one record in each table."""
    now = timezone.now()
    owner = {"account_id": integration.account_id, "integration_id": integration.pk}
    tables = tables or ("bikes",)
    fields = {"token_id": 1, "kind": "push", "received_at": now, "records": len(tables), "size": 100} | fields
    batch = Batch.objects.create(**owner, segment="segment", offset=0, checksum=0, **fields)
    for name in tables:
        queued, _ = QueuedTable.objects.get_or_create(
            integration_id=integration.pk,
            name_digest=hashlib.sha256(name.encode()).hexdigest(),
            defaults={"account_id": integration.account_id, "table_name": name, "not_before": now},
        )
        BatchTable.objects.create(**owner, batch=batch, queued_table=queued, table_name=name, records=1)
    return batch


def make_rejected(
    integration: Integration, data: dict | None = None, *, schema: dict | None = None, **fields
) -> RejectedRecord:
    """Return an open rejected record of the table `bikes`, as the loader leaves it."""
    now = timezone.now()
    data = data if data is not None else {"id": 1, "n": 2**63}
    table = fields.pop("table_name", "bikes")
    content = json.dumps({"table_name": table, "key_names": ["id"], "schema": schema, "types": {}}).encode()
    shared, _ = RejectedFormat.objects.get_or_create(
        integration_id=integration.pk,
        digest=hashlib.sha256(content).hexdigest(),
        defaults={"content": zlib.compress(content)},
    )
    message = json.dumps({"action": "upsert", "sequence": 1, "data": data}).encode()
    batch = fields.pop("batch", None) or make_batch(integration, table)
    fields = {
        "reason": f"integer out of range for DuckDB on {2**63}",
        "reason_group": "integer out of range for DuckDB on […]",
        "field": "n",
        "path": ["n"],
        "index": next(numbers),
        "state": "open",
        "received_at": now,
        "rejected_at": now,
    } | fields
    group = hashlib.sha256(f"{table}{fields['reason_group']}{fields['field']}".encode()).hexdigest()[:32]
    return RejectedRecord.objects.create(
        account_id=integration.account_id,
        integration_id=integration.pk,
        share_id=batch.tables.get().pk,
        receipt=batch.receipt,
        format=shared,
        table_name=table,
        sequence=1,
        group=group,
        size=len(message),
        message=zlib.compress(message),
        **fields,
    )


def make_hook(account: Account, *, secret: str = "", **fields) -> Hook:
    """Return a hook of the account's main destination; nobody listens at its address unless `fields` say one."""
    fields = {
        "destination": fields.get("destination") or main_destination(account=account),
        "url": f"https://hooks.example.com/{next(numbers)}",
        "created_by": fields.get("created_by") or account.memberships.first().user,
    } | fields
    secret = secret or secrets.generate(secrets.HOOK_SECRET_PREFIX)
    sealed = sealing.seal(secret, use=USE, owner=owner_of(account))
    return Hook.objects.create(account=account, sealed_secret=sealed, **fields)


def make_delivery(hook: Hook, **fields) -> Delivery:
    """Return a message of the hook that nothing sends."""
    fields = {
        "event": "load",
        "integration_name": "fleet",
        "table_name": "bikes",
        "body": "{}",
        "at": timezone.now(),
    } | fields
    return Delivery.objects.create(account=hook.account, hook=hook, **fields)
