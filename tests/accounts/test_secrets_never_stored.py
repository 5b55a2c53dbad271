"""P3: after a key is made, its clear text is nowhere: no table, no session, no cache, no log, no page."""

import uuid

import pytest
from django.db import connections

from accounts import secrets
from accounts.models import ApiKey
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db


def everything_stored():
    """Yield every value of every table of every database, as text."""
    for alias in connections:
        connection = connections[alias]
        with connection.cursor() as cursor:
            tables = [table.name for table in connection.introspection.get_table_list(cursor)]
            for table in tables:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                for row in cursor.fetchall():
                    for value in row:
                        yield (
                            table,
                            bytes(value).decode("latin-1")
                            if isinstance(value, (bytes, memoryview))
                            else str(value),
                        )


def test_K04_P3_the_clear_secret_is_stored_and_logged_nowhere(signed_in, page, account, caplog):
    caplog.set_level("DEBUG")
    response = signed_in.post(
        page("api-key-create"), {"description": "Salesforce", "form_id": str(uuid.uuid4())}
    )
    secret = next(
        part for part in response.content.decode().split('"') if part.startswith(secrets.API_KEY_PREFIX)
    )
    random_part = secret[len(secrets.API_KEY_PREFIX) : -4]  # the last four may be seen
    client = type(signed_in)()
    client.get("/v4/sources", headers={"Authorization": f"Bearer {secret}"})
    key = ApiKey.objects.get()
    signed_in.post(page("api-key-disable", api_key_id=key.pk))
    client.get("/v4/sources", headers={"Authorization": f"Bearer {secret}"})
    pages = [signed_in.get(page(name)) for name in ("account-settings", "audit", "audit-export", "billing")]
    pages.append(signed_in.get(page("api-key-delete", api_key_id=key.pk)))

    stored = list(everything_stored())
    assert "accounts_apikey" in {table for table, _ in stored}
    assert [table for table, value in stored if random_part in value] == []
    assert [record for record in caplog.records if random_part in str(vars(record))] == []
    for shown in pages:
        content = b"".join(shown) if shown.streaming else shown.content
        assert random_part not in content.decode()
        assert random_part not in str(shown.headers)


def test_P3_what_a_key_says_of_itself_holds_no_secret(account, member):
    key, secret = make_api_key(account, member)
    assert str(key) == f"API access key …{secret[-4:]}"
    assert secret not in repr(key)
