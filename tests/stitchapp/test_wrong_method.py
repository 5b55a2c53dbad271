"""A form's address that is opened as a page tells the person what to do."""

import pytest
from django.urls import reverse

from tests.factories import make_account, make_api_key, make_member

pytestmark = pytest.mark.django_db


def test_opening_a_forms_address_gives_a_page(client):
    account = make_account()
    client.force_login(make_member(account))
    key, _ = make_api_key(account)
    response = client.get(reverse("accounts:api-key-disable", args=[account.client_id, key.pk]))
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "There is no page at this address" in response.content.decode()
