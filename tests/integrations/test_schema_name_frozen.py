"""T-18: the database itself refuses to change a schema name."""

import pytest
from django.db import IntegrityError, transaction

from integrations.models import Integration
from tests.factories import make_account, make_integration, make_member

pytestmark = pytest.mark.django_db


def test_T18_the_database_refuses_another_schema_name():
    account = make_account()
    make_member(account)
    integration = make_integration(account, schema_name="customer_records")
    with pytest.raises(IntegrityError, match="schema name cannot change"), transaction.atomic():
        Integration.objects.filter(pk=integration.pk).update(schema_name="other")
    Integration.objects.filter(pk=integration.pk).update(
        display_name="Renamed", schema_name="customer_records"
    )
    integration.refresh_from_db()
    assert (integration.display_name, integration.schema_name) == ("Renamed", "customer_records")
