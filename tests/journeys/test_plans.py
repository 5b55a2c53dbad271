"""Downgrade and upgrade with keys, and where the rows came from, as people do it (K-13, K-14, P7, P8, S10)."""

import re

from playwright.sync_api import expect

from tests.journeys.test_guides import KEY, call, new_person, open_account_settings, open_row_menu


def make_key(visitor, description):
    open_account_settings(visitor)
    visitor.press("link", "Generate a Key")
    visitor.fill("Key Description", description)
    visitor.press("button", "Save and Generate Key")
    secret = visitor.page.get_by_label("Your Stitch API Access Key", exact=True).input_value()
    assert KEY.fullmatch(secret)
    visitor.close_and_continue()
    return secret


def choose(visitor, plan):
    """Open the question that choosing a plan asks."""
    client_id = re.search(r"/client/(\d+)/", visitor.page.url).group(1)
    visitor.page.goto(f"/client/{client_id}/account/billing")
    visitor.press("link", "Change Your Plan")
    visitor.press("link", f"Choose {plan}")
    expect(visitor.page.get_by_role("heading", name=f"Change your plan to {plan}?")).to_be_visible()
    return visitor.page.get_by_role("dialog")


def test_K13_K14_a_downgrade_names_the_keys_it_disables_and_an_upgrade_brings_none_back(visitor):
    page, sources = visitor.page, f"{visitor.server.url}/v4/sources"
    visitor.sign_up(**new_person())
    secrets = [make_key(visitor, f"Scheduler {number}") for number in (1, 2)]

    question = choose(visitor, "Standard")
    expect(question).to_contain_text("These 2 API access keys will be disabled:")
    for number, secret in enumerate(secrets, start=1):
        expect(question).to_contain_text(f"{secret[-4:]} Scheduler {number}")
    visitor.press("link", "Cancel")
    assert call(sources, secrets[0])[0] == 200
    choose(visitor, "Standard")
    visitor.press("button", "Change to Standard")
    said = page.locator(".banner[data-outcome]").last
    expect(said).to_contain_text("Your plan is now Standard. 2 API access keys were disabled.")
    assert {call(sources, secret)[0] for secret in secrets} == {401}

    question = choose(visitor, "Advanced")
    expect(question).to_contain_text("API access comes back, but no key by itself: 2 keys stay disabled")
    visitor.press("button", "Change to Advanced")
    expect(said).to_contain_text("Your plan is now Advanced.")
    assert {call(sources, secret)[0] for secret in secrets} == {401}
    open_account_settings(visitor)
    open_row_menu(visitor, secrets[0][-4:])
    visitor.press("button", "Re-enable this key")
    expect(page.get_by_role("row").filter(has_text=secrets[0][-4:])).to_contain_text("Enabled")
    assert [call(sources, secret)[0] for secret in secrets] == [200, 401]


def test_S10_usage_is_reached_and_chosen_three_ways(visitor):
    page = visitor.page
    visitor.sign_up(**new_person())
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)
    page.goto(f"/client/{client_id}/account/billing")
    visitor.press("link", "Usage by integration and table")
    expect(page.get_by_text("No rows were loaded in this usage cycle.")).to_be_visible()
    visitor.press_on(page.locator(".range-menu summary").nth(1))
    visitor.press("link", "By table")
    expect(page).to_have_url(re.compile("by=table"))
    visitor.press("link", "Back to Billing")
    expect(page.get_by_role("heading", name="Past Payments")).to_be_visible()
