"""What the tests of account pages share."""

import pytest
from django.urls import reverse

from tests.factories import make_account, make_member


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


@pytest.fixture
def signed_in(client, member):
    """A client in which the member has just signed in."""
    client.force_login(member)
    return client


@pytest.fixture
def page(account):
    """Return the address of a page of the account: page("billing")."""

    def address(name, **kwargs):
        return reverse(f"accounts:{name}", kwargs={"client_id": account.client_id} | kwargs)

    return address
