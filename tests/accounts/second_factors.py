"""An authenticator app for tests: it shows the codes that a person's own would show."""

import re
import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from accounts.models import User
from accounts.services.second_factor import add_app, begin_enrolment

HALF_MINUTE = 30


def code_of(secret: str, *, later: int = 0) -> str:
    """Return what the app shows now, or `later` half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // HALF_MINUTE + later))


def wrong_code(secret: str) -> str:
    """Return six digits that the app shows neither now nor soon."""
    near = {code_of(secret, later=later) for later in range(-3, 4)}
    return next(code for number in range(10) if (code := f"{number:06}") not in near)


def with_app(person: User) -> tuple[str, list[str]]:
    """Give the person an app; return its secret and the recovery codes. The code of this half minute is unused."""
    enrolment = begin_enrolment(person)
    codes = add_app(
        person=person,
        enrolment=enrolment,
        code=code_of(enrolment.secret, later=-1),
        server="http://testserver",
    )
    return enrolment.secret, codes


def secret_on(page: str) -> str:
    """Return the key that the page shows for typing into an app."""
    return re.search(r'id="app-key"[^>]*?value="([A-Z2-7 ]+)"', page, re.DOTALL)[1].replace(" ", "")


def sealed_on(page: str) -> str:
    return re.search(r'name="enrolment" value="([^"]+)"', page)[1]


def recovery_codes_on(page: str) -> list[str]:
    shown = re.search(r'id="recovery-codes"[^>]*>([^<]*)<', page)[1]
    return [line.replace(" ", "") for line in shown.split("\n")]
