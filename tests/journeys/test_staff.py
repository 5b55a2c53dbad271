"""D19, S10: support signs in, looks up a pasted key and disables it; its owner reads why."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_every_page import look
from tests.journeys.test_guides import new_person

MAKE_SUPPORT = """
from django.contrib.auth.models import Group
from accounts.models import User
person = User.objects.create_user(
    "{email}", "{password}", first_name="Sue", last_name="Port", is_staff=True
)
person.groups.add(Group.objects.get(name="Support"))
"""


@pytest.fixture
def leaked(browser, server):
    """A member who has lost a key, and its secret."""
    visitor = Visitor(browser, server)
    visitor.sign_up(**new_person())
    visitor.client_id = re.search(r"/client/(\d+)/", visitor.page.url).group(1)
    visitor.page.goto(f"/client/{visitor.client_id}/account/api-keys/new")
    visitor.fill("Key Description", "Left in a public place")
    visitor.press("button", "Save and Generate Key")
    visitor.secret = visitor.page.locator("input[readonly]").first.input_value()
    yield visitor
    visitor.context.close()


def test_D19_support_finds_and_disables_a_leaked_key(visitor, server, leaked):
    email, password = f"{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(16)
    server.ask(MAKE_SUPPORT.format(email=email, password=password))
    page = visitor.page
    page.goto("/admin/")
    visitor.fill("Email Address", email)
    visitor.fill("Password", password)
    visitor.press("button", re.compile("^Sign In$", re.IGNORECASE))
    expect(page).to_have_url(re.compile("/admin/$"))
    visitor.press("link", "Look up a credential")
    page.get_by_label("API access key or Import API access token").fill(leaked.secret)
    visitor.press("button", "Look up")
    expect(page.get_by_text("would be admitted.")).to_be_visible()
    assert leaked.secret not in visitor.source()
    look_closely(visitor)

    page.goto(f"/admin/accounts/apikey/?q={leaked.client_id}")
    page.get_by_role("checkbox").last.check()
    page.get_by_label("Action:").select_option(label="Disable the chosen API access keys …")
    visitor.press("button", re.compile("^(Go|Run)"))
    expect(page.get_by_text("“Left in a public place”")).to_be_visible()
    look_closely(visitor)
    page.get_by_label("Reason").fill("Found in a public place")
    visitor.press("button", "Disable")
    expect(page.get_by_text("1 done.")).to_be_visible()

    leaked.page.goto(f"/client/{leaked.client_id}/account/audit")
    expect(leaked.page.get_by_text("Found in a public place").first).to_be_visible()
    refused = page.request.get("/v4/sources", headers={"Authorization": f"Bearer {leaked.secret}"})
    assert refused.status == 401


def look_closely(visitor):
    """Find nothing wrong with a page of ours. The policy refuses a style that the inspection itself adds."""
    if visitor.way == "mouse":
        assert visitor.faults == []
        assert look(visitor.page) == []
        visitor.faults.clear()
