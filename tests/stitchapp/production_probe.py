"""Run under the shipped production settings, in a process of its own: visit pages and print what came back.

`python -m tests.stitchapp.production_probe` prints one JSON object a visit; test_production.py reads them.
"""

import json
import secrets
import sys

import django

PASSWORD = secrets.token_urlsafe(20)


def tell(label: str, response) -> None:
    cookies = {
        name: {key: cookie[key] for key in ("secure", "httponly", "samesite", "path", "domain", "max-age")}
        for name, cookie in response.cookies.items()
    }
    line = {
        "label": label,
        "status": response.status_code,
        "headers": {key.lower(): value for key, value in response.items()},
        "cookies": cookies,
        "body": b"".join(response)[:4000].decode(errors="replace"),
    }
    sys.stdout.write(json.dumps(line) + "\n")


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from tests.url_table import ROUTES, World, is_api

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    browser = Client(headers={"Host": "pipeline.example.com"}, raise_request_exception=False)
    form = browser.get(reverse("accounts:sign-up"), secure=True)
    tell("sign-up form", form)
    fields = {
        "first_name": "Ann",
        "last_name": "Bell",
        "email": "ann@example.com",
        "company_name": "Bell Ltd",
        "password": PASSWORD,
        "region": "us",
        "form_id": "x",
    }
    tell("signed up", browser.post(reverse("accounts:sign-up"), fields, secure=True))
    tell("stylesheet", browser.get(settings.STATIC_URL + stylesheet(form), secure=True))
    world = World(member=(member := staff_member()), account=member.memberships.get().account)
    for route, _, _ in ROUTES:
        tell(f"https {route}", browser.get(world.address(route), secure=True))
        tell(f"http {'api' if is_api(route) else 'page'} {route}", browser.get(world.address(route)))
    key, token = world.api_key[1], world.access_token[1]
    for label, address, secret in (
        ("plain connect", "/v4/sources", key),
        ("plain import", "/v2/import/batch", token),
    ):
        headers = {"Authorization": f"Bearer {secret}"}
        tell(label, browser.post(address, "{}", content_type="application/json", headers=headers))
        forged = headers | {"X-Forwarded-Proto": "https"}
        tell(f"{label} forged", browser.post(address, "{}", content_type="application/json", headers=forged))


def stylesheet(page) -> str:
    """Return a static file that the page names, by its hashed name."""
    text = page.content.decode()
    start = text.index("/static/css/") + len("/static/")
    return text[start : text.index('"', start)]


def staff_member():
    """Return the person who signed up, who may now open the admin too."""
    from accounts.models import User

    member = User.objects.get()
    member.is_staff = member.is_superuser = True
    member.save()
    return member


if __name__ == "__main__":
    main()
