"""Around the key itself: its dialog, its copy button, and that it is shown this once (K-05, K-20, K-28, P5)."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import KEY, new_person


@pytest.fixture
def member(browser, server):
    visitor = Visitor(browser, server)
    visitor.sign_up(**new_person())
    client_id = re.search(r"/client/(\d+)/", visitor.page.url).group(1)
    visitor.settings = f"/client/{client_id}/account/settings"
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def generate(member, description="Used in a journey"):
    member.page.goto(member.settings)
    member.press("link", "Generate a Key")
    member.fill("Key Description", description)
    member.press("button", "Save and Generate Key")
    return member.page.get_by_label("Your Stitch API Access Key", exact=True).input_value()


def test_K21_the_copy_button_copies(member):
    member.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = generate(member)
    member.press("button", "Copy Your Stitch API Access Key")
    expect(member.page.get_by_text("Copied", exact=True).first).to_be_visible()
    assert member.page.evaluate("navigator.clipboard.readText()") == secret


def test_K21_without_the_clipboard_the_text_is_selected_and_said_so(member):
    member.page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', "
        "{value: {writeText: () => Promise.reject(new DOMException('refused', 'NotAllowedError'))}})"
    )
    secret = generate(member)
    member.press("button", "Copy Your Stitch API Access Key")
    expect(member.page.get_by_text(re.compile("^Selected. Press Ctrl")).first).to_be_visible()
    selected = member.page.evaluate(
        "(field => field.value.slice(field.selectionStart, field.selectionEnd))(document.activeElement)"
    )
    assert selected == secret


def test_K05_P5_neither_reload_nor_back_shows_the_key_again(member):
    secret = generate(member)
    assert KEY.fullmatch(secret)
    member.page.on("dialog", lambda dialog: dialog.accept())
    member.page.reload()
    expect(member.page).to_have_url(re.compile("/account/settings$"))
    expect(member.page.locator(".banner").last).to_contain_text("It was shown once and is not shown again")
    member.page.go_back()
    assert secret not in member.source()
    member.page.goto(member.settings)
    expect(member.page.get_by_role("row").filter(has_text=secret[-4:])).to_have_count(1)


def test_K22_P5_going_back_after_close_and_continue_ends_on_a_page_of_the_app(member):
    secret = generate(member)
    footer = member.page.locator(".page-footer a")
    assert {link.get_attribute("target") for link in footer.all()} == {"_blank"}  # help never costs the key
    member.close_and_continue()
    expect(member.page.get_by_role("row").filter(has_text=secret[-4:])).to_have_count(1)
    member.page.go_back()  # not to the browser's own page about a form that was sent
    expect(member.page.get_by_label("Key Description")).to_have_value("")
    assert secret not in member.source()


def test_K28_escape_closes_the_dialog_and_gives_the_focus_back(member):
    secret = generate(member, "Nightly export")
    member.close_and_continue()
    row = member.page.get_by_role("row").filter(has_text=secret[-4:])
    menu = row.locator("summary")
    menu.click()
    row.get_by_role("link", name="Delete this key").click()
    dialog = member.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"ending in {secret[-4:]}, “Nightly export”")
    expect(dialog).to_contain_text("It was never used.")
    member.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(menu).to_be_focused()
    member.page.reload()
    expect(row).to_contain_text("Enabled")


def test_K13_the_plan_dialog_names_the_keys_and_the_change_disables_them(member):
    secret = generate(member, "Nightly export")
    member.close_and_continue()
    member.page.goto(member.settings.replace("settings", "plans"))
    member.press("link", "Choose Standard")
    dialog = member.page.get_by_role("dialog")
    expect(dialog).to_contain_text("This API access key will be disabled")
    expect(dialog).to_contain_text(secret[-4:])
    member.press("button", "Change to Standard")
    expect(member.page.locator(".banner").last).to_contain_text(
        "Your plan is now Standard. 1 API access key was disabled."
    )
    member.page.goto(member.settings)
    expect(member.page.get_by_role("row").filter(has_text=secret[-4:])).to_contain_text("Disabled")
    expect(member.page.get_by_role("button", name="Generate a Key")).to_be_disabled()


def test_the_activity_filter_swaps_the_list_and_keeps_the_address(member):
    generate(member)
    member.page.goto(member.settings.replace("settings", "audit"))
    member.page.get_by_label("Event", exact=True).select_option(label="API access key created")
    member.press("button", "Filter")
    expect(member.page).to_have_url(re.compile(r"event=api_key.created"))
    expect(member.page.locator("#activity tbody tr")).to_have_count(1)
    expect(member.page.locator("#activity")).to_have_count(1)
