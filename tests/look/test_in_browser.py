"""The components at work: axe, widths, keyboard, no scripts, no clipboard (promise S10)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from stitchapp.views import STYLEGUIDE_PAGES

pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"


@pytest.mark.parametrize("page", sorted(STYLEGUIDE_PAGES))
def test_S10_axe_finds_nothing_and_nothing_scrolls_sideways(open_guide, page):
    opened = open_guide(page)
    for width in (360, 390, 768, 1280, 1920):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate(OVERFLOW) <= 0, f"scrolls sideways at {width}"
        if width in (390, 1280):
            violations = Axe().run(opened, options=RULES).response["violations"]
            assert [(v["id"], [node["target"] for node in v["nodes"]]) for v in violations] == []


def test_S10_a_row_menu_by_keyboard_alone(open_guide):
    page = open_guide()
    menu = page.get_by_label("Actions for a key").first
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Delete this key").first).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Disable this key"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "Delete this key"
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Delete this key").first).to_be_hidden()
    assert page.evaluate(FOCUSED) == "Actions for a key"


def test_a_press_elsewhere_closes_a_menu_and_so_does_another_menu(open_guide):
    page = open_guide()
    first, second = page.get_by_label("Actions for a key").all()
    first.click()
    second.evaluate("summary => summary.click()")
    expect(page.locator("details[data-menu][open]")).to_have_count(1)
    page.get_by_role("heading", name="Style guide").click()
    expect(page.locator("details[data-menu][open]")).to_have_count(0)


def test_S10_a_dialog_takes_the_focus_and_gives_it_back(open_guide):
    page = open_guide()
    page.get_by_label("Actions for a key").first.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    dialog = page.locator("dialog:modal")
    expect(dialog).to_be_visible()
    assert page.evaluate(FOCUSED) == "Delete the key ending in f332?"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Cancel"
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert page.evaluate(FOCUSED) == "Actions for a key"


@pytest.mark.parametrize("way", ["cancel", "backdrop"])
def test_a_dialog_is_dismissed_without_leaving_the_page(open_guide, way):
    page = open_guide()
    address = page.url
    page.get_by_role("button", name="Open a dialog").click()
    expect(page.locator("dialog:modal")).to_be_visible()
    page.get_by_role("link", name="Cancel").last.click() if way == "cancel" else page.mouse.click(5, 5)
    expect(page.locator("dialog")).to_have_count(0)
    assert page.url == address
    assert page.evaluate(FOCUSED) == "Open a dialog"


def test_S10_without_scripts_the_menu_opens_and_the_dialog_is_a_page(open_guide):
    page = open_guide(java_script_enabled=False)
    page.get_by_label("Actions for a key").first.click()
    page.get_by_role("link", name="Delete this key").first.click()
    expect(page.get_by_role("heading", name="Delete the key ending in f332?")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    assert page.url.endswith("/styleguide")


def test_K21_the_copy_button_copies_and_says_so(open_guide):
    page = open_guide("overlay", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Your Stitch API Token").click()
    expect(page.locator("#secret-note")).to_have_text("Copied")
    expect(page.locator("[data-status]")).to_have_text("Copied")
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == page.get_by_label("Your Stitch API Token", exact=True).input_value()
    )


def test_K21_without_the_clipboard_the_text_is_selected_and_the_page_says_so(open_guide):
    refuse = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    page = open_guide("overlay", script=refuse)
    page.get_by_role("button", name="Copy Your Stitch API Token").click()
    expect(page.locator("#secret-note")).to_contain_text("Selected. Press Ctrl+C")
    field = page.get_by_label("Your Stitch API Token", exact=True)
    assert field.evaluate("field => field.selectionEnd - field.selectionStart") == len(field.input_value())


def test_help_words_show_on_focus_and_go_with_escape(open_guide):
    page = open_guide()
    page.locator("#badges [data-help] button").focus()
    expect(page.locator("#help-sample")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help-sample")).to_be_hidden()


def test_a_second_press_on_a_switch_sends_nothing(open_guide):
    page = open_guide("dashboard")
    page.wait_for_load_state()
    sent, busy = page.evaluate(
        """() => {
          let sent = 0;
          addEventListener("submit", (event) => { sent += 1; event.preventDefault(); });
          const button = document.querySelector("[role=switch]");
          button.click();
          button.click();
          return [sent, button.getAttribute("aria-busy")];
        }"""
    )
    assert (sent, busy) == (1, "true")


def test_the_skip_link_is_first_and_leads_to_the_page(open_guide):
    page = open_guide("dashboard")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_outcome_of_a_form_is_said_in_the_status_region(open_guide):
    page = open_guide("settings")
    expect(page.locator("[data-status]")).to_have_text("Success! Your company was updated.")


def test_a_whole_page_is_never_squeezed_into_a_panel(open_guide):
    page = open_guide()
    page.route(
        "**/styleguide/dialog",
        lambda route: route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>Sign in</title>"),
    )
    page.get_by_role("button", name="Open a dialog").click()
    expect(page).to_have_title("Sign in")


def test_a_narrow_screen_shows_the_current_tab(open_guide):
    page = open_guide("integration", viewport={"width": 360, "height": 800})
    page.evaluate(
        "document.querySelector('[data-tabs] li:last-child a').setAttribute('aria-current', 'page')"
    )
    page.evaluate("document.querySelector('[data-tabs] li:first-child a').removeAttribute('aria-current')")
    page.add_script_tag(type="module", url="/static/js/tabs.js?again")
    expect(page.get_by_role("link", name="Settings", exact=True)).to_be_in_viewport()


def test_it_stands_in_forced_colours_and_without_motion(open_guide):
    page = open_guide("dashboard", forced_colors="active", reduced_motion="reduce")
    switch = page.get_by_role("switch").first
    expect(switch).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).transitionDuration") != "0.12s"
