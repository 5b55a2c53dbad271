"""Where an integration's data goes (decision D10, app.md 11)."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.models import Destination
from integrations.services.destinations import (
    destination_of,
    destinations_of,
    integrations_into,
    main_destination,
)
from tests.factories import make_integration, make_postgres_destination


def where(integration):
    """Return where an integration is loaded, asked one by one and together."""
    integration.refresh_from_db()
    alone = destination_of(integration=integration)
    assert destinations_of(account=integration.account, integrations=[integration]) == {integration.pk: alone}
    return alone


def remove(destination):
    destination.deleted_at = timezone.now()
    destination.save()


def test_D10_an_account_begins_with_the_embedded_warehouse_and_no_second_one_appears(account, integration):
    embedded = where(integration)
    assert embedded.is_embedded
    assert main_destination(account=account) == embedded
    remove(embedded)
    assert where(integration) is None
    assert account.destinations.count() == 1


def test_the_embedded_one_stays_the_main_one_beside_others(account, integration):
    embedded = main_destination(account=account)
    postgres = make_postgres_destination(account)
    assert where(integration) == embedded
    assert list(integrations_into(destination=embedded)) == [integration]
    assert not integrations_into(destination=postgres).exists()


def test_without_an_embedded_one_the_oldest_is_the_main_one(account, integration, settings):
    settings.EMBEDDED_WAREHOUSE = False
    assert where(integration) is None
    oldest = make_postgres_destination(account)
    make_postgres_destination(account)
    assert where(integration) == oldest
    settings.EMBEDDED_WAREHOUSE = True  # switched on later, it moves nobody's data
    assert where(integration) == oldest


def test_an_integration_whose_destination_was_removed_has_none_and_moves_nowhere(account, integration):
    main_destination(account=account)
    postgres = make_postgres_destination(account)
    integration.destination = postgres
    integration.save()
    other = make_integration(account)
    assert where(integration) == postgres
    remove(postgres)
    assert where(integration) is None
    assert where(other).is_embedded
    assert list(integrations_into(destination=postgres)) == [integration]


def test_a_PostgreSQL_destination_says_where_it_is(account):
    with pytest.raises(IntegrityError), transaction.atomic():
        Destination.objects.create(account=account, type="postgres", display_name="Nowhere")
