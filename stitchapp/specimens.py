"""Made-up values for /styleguide, which says on top that they are made up."""

from datetime import UTC, date, datetime, timedelta
from math import sin
from types import SimpleNamespace

from django import forms
from django.core.paginator import Paginator

from stitchapp import charts


class SpecimenForm(forms.Form):
    """One field of each kind."""

    key_description = forms.CharField(
        label="Key Description",
        max_length=255,
        help_text="What is the key for? Example: Used to create and configure Salesforce integrations",
    )
    website = forms.URLField(label="Website", required=False, assume_scheme="https")
    region = forms.ChoiceField(
        label="Data pipeline region", choices=[("us", "North America"), ("eu", "Europe")]
    )
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput, help_text="At least 12 characters"
    )
    method = forms.ChoiceField(
        label="Replication method",
        choices=[("key", "Key-based Incremental"), ("full", "Full Table Replication")],
        widget=forms.RadioSelect,
        initial="key",
    )
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    mail = forms.BooleanField(
        label="Send this address email notifications about errors affecting your data",
        required=False,
        initial=True,
    )

    def clean(self) -> dict[str, object]:
        raise forms.ValidationError("The form as a whole was refused, and this sentence says why.")


def specimens() -> dict[str, object]:
    """Return all that the sample pages show."""
    start = date(2026, 7, 1)
    days = [
        (start + timedelta(days=n), int(280 + 150 * sin(n / 2.3) + 9 * n * (n % 4 == 0))) for n in range(30)
    ]
    made = datetime(2026, 3, 30, 8, 18, tzinfo=UTC)
    wrong = {"key_description": "", "website": "not an address", "region": "us", "method": "key"}
    return {
        "form": SpecimenForm(prefix="sample"),
        "invalid_form": SpecimenForm(wrong, prefix=None),
        "secret": "xx_sample" + "0" * 46,
        "snippet": 'curl -X POST "http://localhost:8000/v2/import/batch" \\\n  -H "Content-Type: application/json"',
        "log": "\n".join(
            f"2026-07-14 16:55:0{n},310Z   main - INFO Loading line {n} of the sample log" for n in range(5)
        ),
        "key_menu": [
            {"label": "Disable this key", "url": "#rows", "method": "get"},
            {"label": "Delete this key", "url": "/styleguide/dialog", "method": "dialog", "danger": True},
        ],
        "ranges": [
            {"label": "24 Hours", "url": "#rows", "current": True},
            {"label": "This Billing", "url": "#rows", "current": False},
            {"label": "Prev Billing", "url": "#rows", "current": False},
        ],
        "keys": [
            SimpleNamespace(
                last_four="f332",
                words="Token used to create and update this account’s Salesforce integrations.",
                on=True,
            ),
            SimpleNamespace(last_four="9Qz1", words="Nightly scheduler", on=False),
        ],
        "made": made,
        "now": datetime.now(UTC) - timedelta(minutes=20),
        "daily": charts.daily_bars(days),
        "cumulative": charts.cumulative_bars(days[:18], cycle_days=30),
        "cycles": charts.cycle_bars(
            [
                (date(2026, 4, 2), date(2026, 5, 1), 4200),
                (date(2026, 5, 2), date(2026, 5, 31), 3900),
                (date(2026, 6, 1), date(2026, 6, 30), 6100),
            ]
        ),
        "empty_chart": charts.daily_bars([(day, 0) for day, _ in days]),
        "total": sum(rows for _, rows in days),
        "quotas": [charts.quota(used, 10_000) for used in (120, 7_800, 12_400)] + [charts.quota(1, None)],
        "quota": charts.quota(5_339, 5_000_000),
        "paged": Paginator(range(212), 25).page(4),
        "steps": [
            {"label": "Set Up Account", "state": "done"},
            {"label": "Add an Integration", "state": "now"},
            {"label": "Select a Destination", "state": "ahead"},
        ],
        "crumbs": [
            {"label": "Customer Records", "url": "#tabs"},
            {"label": "Loads", "url": "#tabs"},
            {"label": "orders", "url": ""},
        ],
        "crumb_action": {"label": "Table Settings", "url": "#tabs", "gear": True},
        "integration": SimpleNamespace(display_name="Customer Records", schema_name="customer_records"),
        "integration_support": {"label": "Certified", "help": "Built into this server and tested with it."},
        "integration_tabs": _tabs("Summary", "Tables to Replicate", "Extractions", "Loads", "Settings"),
        "settings_tabs": _tabs(
            "Account Settings", "Your Profile", "Members", "Notification Settings", "Billing"
        ),
        "toggle": {"on": True, "url": "#", "disabled": False},
        "rows": [
            SimpleNamespace(name="Customer Records", on=True, status="Active", rows=7_256),
            SimpleNamespace(
                name="An integration with a rather long name that has to wrap somewhere",
                on=False,
                status="Paused",
                rows=109,
            ),
            SimpleNamespace(name="import_api_tokens_example", on=True, status="Active", rows=0),
        ],
        "tokens": [datetime(2018, 2, 12, 19, 29, tzinfo=UTC), datetime(2019, 2, 4, 21, 38, tzinfo=UTC)],
        "nav_active": "integrations",
        "bar_request": SimpleNamespace(
            account=SimpleNamespace(client_id=100_001, company_name="Sample Company"),
            user=SimpleNamespace(get_full_name="Ann Sample", email="ann@example.com"),
        ),
        "error": SimpleNamespace(
            message="API access comes with the Advanced and Premium plans and with the free trial."
        ),
    }


def _tabs(*labels: str) -> list[dict[str, object]]:
    return [{"label": label, "url": "#tabs", "active": number == 0} for number, label in enumerate(labels)]
