"""Take the README's pictures from a freshly made demo account: `make screenshots`."""

import json
import re
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import ARGUMENTS, find_or_install_chromium
from tests.server import ROOT, running_server

PICTURES = ROOT / "static" / "img" / "readme"


def main() -> None:
    """Make the demo account, sign in as its administrator, and save each picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    data_dir = Path(tempfile.mkdtemp(prefix="stitchapp-screenshots-"))
    with running_server(data_dir) as server, sync_playwright() as playwright:
        demo = json.loads(server.manage("demo", "--json"))
        browser = playwright.chromium.launch(executable_path=find_or_install_chromium(), args=ARGUMENTS)
        page = browser.new_page(base_url=server.url, viewport={"width": 1280, "height": 800})
        page.goto("/session/create")
        page.get_by_label("Email Address").fill(demo["email"])
        page.get_by_label("Password").fill(demo["password"])
        page.get_by_role("button", name="Sign In", exact=True).click()
        page.wait_for_url(re.compile("/pipeline/connections$"))
        save(page, "dashboard")
        page.goto(f"/client/{demo['client_id']}/account/settings")
        page.get_by_role("heading", name="API access keys").evaluate("heading => heading.scrollIntoView()")
        save(page, "api-keys")
        page.goto(f"/client/{demo['client_id']}/pipeline/connections/{demo['integration_id']}/settings")
        save(page, "tokens")
        page.goto(f"/client/{demo['client_id']}/pipeline/connections/{demo['integration_id']}/loads")
        save(page, "loads")
        page.goto(f"/client/{demo['client_id']}/pipeline/integrations/import-api")
        page.get_by_label("Integration Name").fill("Web Shop")
        page.get_by_role("button", name="Save and Generate Token").click()
        page.get_by_role("heading", name="Generated API Token").wait_for()
        save(page, "generated-token")
        browser.close()


def save(page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    print(f"static/img/readme/{name}.png", flush=True)


if __name__ == "__main__":
    main()
