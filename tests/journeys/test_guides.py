"""The two guides, word for word, in a real browser: by mouse, by keyboard alone, and without JavaScript.

K-15 … K-30 and T-12 … T-34 are the steps; the ids stand beside them.
"""

import json
import re
import secrets
import time
import urllib.error
import urllib.request

import duckdb
from playwright.sync_api import expect

KEY = re.compile(r"ac_stitch[0-9A-Za-z]{46}")
TOKEN = re.compile(r"at_stitch[0-9A-Za-z]{46}")


def new_person() -> dict[str, str]:
    return {
        "email": f"ada.{secrets.token_hex(6)}@example.com",
        "password": f"A long phrase {secrets.token_hex(8)}",
    }


def call(url: str, secret: str, body: object = None, method: str | None = None) -> tuple[int, object]:
    """Send a request as a program would; return the status and the decoded body."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def batch(table: str, *rows: dict, sequence: int = 1) -> dict:
    messages = [{"action": "upsert", "sequence": sequence, "data": row} for row in rows]
    schema = {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    return {"table_name": table, "schema": schema, "key_names": ["id"], "messages": messages}


def open_account_settings(visitor):
    """K-15, K-16: the User menu, Manage Account Settings, the Account Settings tab."""
    visitor.press_on(visitor.page.locator(".user-menu > summary"))
    visitor.press("link", "Manage Account Settings")
    visitor.press("link", "Account Settings")


def open_row_menu(visitor, last_four: str):
    """K-27, K-29, K-30: the icon next to the Status column of one key."""
    row = visitor.page.get_by_role("row").filter(has_text=last_four)
    visitor.press_on(row.locator("summary"))
    return row


def test_the_api_keys_guide(visitor):
    """K-01, K-03, K-05, K-15 to K-30."""
    page, sources = visitor.page, f"{visitor.server.url}/v4/sources"
    visitor.sign_up(**new_person())

    open_account_settings(visitor)
    expect(page.get_by_text("No API access keys yet")).to_be_visible()
    visitor.press("link", "Generate a Key")  # K-17
    expect(page.get_by_role("heading", name="Configure Your API Access Key")).to_be_visible()
    visitor.fill("Key Description", "Used to create and configure Salesforce integrations")  # K-18
    visitor.press("button", "Save and Generate Key")  # K-19
    expect(page.get_by_role("heading", name="Generated API Access Key")).to_be_visible()  # K-20
    secret = page.get_by_label("Your Stitch API Access Key", exact=True).input_value()  # K-21
    assert KEY.fullmatch(secret)
    visitor.close_and_continue()  # K-22
    row = page.get_by_role("row").filter(has_text=secret[-4:])  # K-23, K-26
    expect(row).to_contain_text("Enabled")
    assert secret not in visitor.source()  # K-05
    assert call(sources, secret) == (200, [])  # K-01, K-03

    open_row_menu(visitor, secret[-4:])
    visitor.press("button", "Disable this key")  # K-29
    expect(row).to_contain_text("Disabled")
    assert call(sources, secret)[0] == 401
    open_row_menu(visitor, secret[-4:])
    visitor.press("button", "Re-enable this key")  # K-30
    expect(row).to_contain_text("Enabled")
    assert call(sources, secret)[0] == 200

    open_row_menu(visitor, secret[-4:])
    visitor.press("link", "Delete this key")  # K-27
    visitor.press("link", "Cancel")  # K-28: the key stays
    expect(row).to_contain_text("Enabled")
    open_row_menu(visitor, secret[-4:])
    visitor.press("link", "Delete this key")
    visitor.press("button", "Delete")  # K-28
    expect(page.get_by_text("No API access keys yet")).to_be_visible()
    assert call(sources, secret)[0] == 401


def test_the_access_tokens_guide(visitor):
    """T-01, T-05, T-09 to T-34."""
    page, batches = visitor.page, f"{visitor.server.url}/v2/import/batch"
    visitor.sign_up(**new_person())  # T-08, T-12
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)

    visitor.press("link", "Add Integration")  # T-13
    visitor.press_on(page.get_by_role("link", name=re.compile("^Import API")))  # T-14
    visitor.fill("Integration Name", "Customer Records")  # T-15
    if visitor.way != "no JavaScript":
        expect(page.get_by_text("Will appear in your data warehouse as customer_records.")).to_be_visible()
    visitor.press("button", "Save and Generate Token")  # T-19
    expect(page.get_by_role("heading", name="Generated API Token")).to_be_visible()  # T-23
    first = page.get_by_label("Your Stitch API Token", exact=True).input_value()  # T-20
    assert TOKEN.fullmatch(first)
    visitor.close_and_continue()  # T-21
    expect(page.get_by_text("customer_records").first).to_be_visible()  # T-11, T-17
    assert first not in visitor.source()

    accepted = {"status": "OK", "message": "Batch Accepted!"}
    assert call(batches, "", batch("customers", {"id": 1, "name": "Ann"}))[0] == 401  # T-01
    assert call(batches, first, batch("customers", {"id": 1, "name": "Ann"})) == (201, accepted)  # T-05

    visitor.press("link", "Settings")  # T-27
    expect(page.get_by_role("heading", name="API Access Tokens")).to_be_visible()  # T-28
    visitor.press("button", "Generate Token")  # T-24, T-32
    second = page.get_by_label("Your Stitch API Token", exact=True).input_value()
    visitor.close_and_continue()
    visitor.press("link", "Settings")
    tokens = page.locator("[data-token-row]")
    expect(tokens).to_have_count(2)  # T-30
    expect(page.get_by_role("button", name="Generate Token")).to_be_disabled()  # T-31
    assert call(batches, second, batch("customers", {"id": 2, "name": "Bo"})) == (201, accepted)  # T-32

    visitor.press("link", re.compile("^Revoke"), within=tokens.first)  # T-29
    visitor.press("button", "Revoke")
    expect(tokens).to_have_count(1)
    assert call(batches, first, batch("customers", {"id": 3, "name": "Cy"}))[0] == 401  # T-33
    assert call(batches, second, batch("customers", {"id": 4, "name": "Di"})) == (201, accepted)  # T-34

    rows = wait_for_rows(visitor.server, client_id, 3)
    assert rows == [(1, "Ann"), (2, "Bo"), (4, "Di")]  # T-10, T-33
    visitor.press("link", "Loads")
    expect(page.get_by_text("customers")).to_be_visible()


def wait_for_rows(server, client_id: str, count: int) -> list[tuple]:
    """Read the warehouse file until it holds `count` customers; the loader may hold it meanwhile (D23)."""
    path = server.data_dir / "warehouse" / f"{client_id}.duckdb"
    give_up = time.monotonic() + 30
    rows: list[tuple] = []
    while time.monotonic() < give_up:
        try:
            with duckdb.connect(str(path), read_only=True) as warehouse:
                rows = warehouse.sql("SELECT id, name FROM customer_records.customers ORDER BY id").fetchall()
        except duckdb.Error:
            rows = []
        if len(rows) >= count:
            break
        time.sleep(0.2)
    return rows
