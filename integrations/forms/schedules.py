"""The schedule of a source as its form asks for it (app.md 10.5); what it means is in services/schedules.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time

from django import forms

from accounts.models import Account
from accounts.plans import Feature, has_feature
from integrations.services.schedules import (
    ANCHORED_FROM,
    InvalidCron,
    anchor_of,
    as_property,
    check_cron,
    default_frequency,
    frequency_of,
    is_chosen,
    plan_of,
    runs_of,
)
from integrations.sources.registry import find_source_type

OFFERED = (30, 60, 360, 720, 1440)
MARKS = {1: "1 MIN", 30: "30 MINS", 60: "1 HR", 360: "6 HRS", 720: "12 HRS", 1440: "24 HRS"}
WORDS = {
    1: "minute",
    30: "half hour",
    60: "hour",
    360: "6 hours",
    720: "12 hours",
    1440: "24 hours",
}
NO_ANCHOR = ""
HALF_HOURS = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30)]
CRON_FIELDS = ("seconds", "minutes", "hours", "day_of_month", "month", "day_of_week")
BLANK_CRON = ("0", "0", "*", "*", "*", "?")
SAMPLE = 3


class ScheduleForm(forms.Form):
    """Default, interval with or without an anchor, or cron. It stands in a larger form: its fields have a prefix."""

    use_default = forms.BooleanField(required=False)
    frequency = forms.ChoiceField(
        label="Start a replication job every", widget=forms.RadioSelect, required=False
    )
    anchor = forms.ChoiceField(label="Anchor time", required=False)
    advanced = forms.BooleanField(label="Advanced", required=False)
    minutes = forms.CharField(label="Minutes", required=False, max_length=80)
    hours = forms.CharField(label="Hours", required=False, max_length=80)
    day_of_month = forms.CharField(label="Day of month", required=False, max_length=80)
    month = forms.CharField(label="Month", required=False, max_length=80)
    day_of_week = forms.CharField(label="Day of week", required=False, max_length=80)

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        *,
        account: Account,
        type_name: str,
        now: datetime,
        stored: Mapping[str, object] | None = None,
        created_at: datetime | None = None,
    ) -> None:
        self.stored, self.type_name, self.now = stored or {}, type_name, now
        self.created_at = created_at or now
        self.default = default_frequency(type_name)
        found = find_source_type(type_name)
        self.type_label = found.label if found else type_name
        self.supports_cron = found.supports_cron if found else True
        self.may_use_cron = has_feature(account, Feature.ADVANCED_SCHEDULING, now)
        self.stored_cron = str(self.stored.get("cron_expression") or "").split()
        self.stored_anchor = anchor_of(self.stored)
        super().__init__(data, prefix="schedule", initial=self.present())
        label = "Use integration default"
        self.fields["use_default"].label = label
        of_databases = {1} if found and found.category == "Databases" else set()
        minutes = sorted({*OFFERED, *of_databases, self.default, self.present_minutes()})
        self.fields["frequency"].choices = [(str(each), MARKS[each]) for each in minutes]
        times = {*HALF_HOURS, self.initial["anchor"]} - {NO_ANCHOR}
        self.fields["anchor"].choices = [
            (NO_ANCHOR, "No anchor"),
            *((each, f"UTC {each}") for each in sorted(times)),
        ]
        self.fields["anchor"].widget.attrs["data-local-times"] = ""
        for name in CRON_FIELDS[1:]:
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        if not self.may_use_cron:
            for name in ("advanced", *CRON_FIELDS[1:]):
                self.fields[name].disabled = True

    @property
    def default_words(self) -> str:
        """Return how often the default is."""
        return WORDS[self.default]

    @property
    def locked_words(self) -> str:
        """Return which plans have cron, for an account whose plan has not; nothing otherwise."""
        return "" if self.may_use_cron else Feature.ADVANCED_SCHEDULING.explanation

    @property
    def year_words(self) -> str:
        """Return the year field of a stored expression, which the form keeps and does not ask for."""
        return self.stored_cron[6] if len(self.stored_cron) == 7 else ""

    @property
    def seconds_words(self) -> str:
        """Return the seconds field, which the form keeps and does not ask for."""
        return self.stored_cron[0] if self.stored_cron else "0"

    def present_minutes(self) -> int:
        """Return the stored frequency; the default when there is none."""
        return frequency_of(self.stored, self.type_name)

    def present(self) -> dict[str, object]:
        """Return what the form shows at first."""
        anchor = self.stored_anchor
        shown_anchor = f"{anchor:%H:%M}" if anchor is not None and is_chosen(anchor) else NO_ANCHOR
        cron = self.stored_cron or BLANK_CRON
        minutes = self.present_minutes()
        return {
            "use_default": not self.stored_cron and not shown_anchor and minutes == self.default,
            "frequency": str(minutes),
            "anchor": shown_anchor,
            "advanced": bool(self.stored_cron),
        } | dict(zip(CRON_FIELDS[1:], cron[1:6], strict=True))

    def clean(self) -> dict[str, object]:
        """Ask for the fields of the way that was chosen, and for those alone."""
        cleaned = super().clean() or {}
        if cleaned.get("advanced"):
            self.clean_cron(cleaned)
        elif not cleaned.get("use_default") and not cleaned.get("frequency"):
            self.add_error("frequency", "Choose how often a replication job starts.")
        return cleaned

    def clean_cron(self, cleaned: dict[str, object]) -> None:
        """Put the cron fields together; say which of them is missing or wrong."""
        fields = [str(cleaned.get(name) or "").strip() for name in CRON_FIELDS[1:]]
        for name, text in zip(CRON_FIELDS[1:], fields, strict=True):
            if not text and name not in self.errors:
                self.add_error(name, "This field is required")
            elif " " in text:
                self.add_error(name, "Write it without spaces.")
        if self.errors:
            return
        expression = " ".join([self.seconds_words, *fields, *filter(None, [self.year_words])])
        try:
            check_cron(expression, self.now)
        except InvalidCron as error:
            self.add_error("advanced", error.message)
        else:
            cleaned["cron_expression"] = expression

    def properties(self) -> dict[str, str | None]:
        """Return the source's properties that the valid form asks for; None where there is none."""
        cleaned = self.cleaned_data
        if cleaned.get("advanced"):
            kept = {
                "frequency_in_minutes": str(self.present_minutes()),
                "anchor_time": self.automatic_anchor(),
            }
            return kept | {"cron_expression": cleaned["cron_expression"]}
        minutes = self.default if cleaned["use_default"] else int(cleaned["frequency"])
        chosen = NO_ANCHOR if cleaned["use_default"] or minutes < ANCHORED_FROM else cleaned["anchor"]
        return {
            "frequency_in_minutes": str(minutes),
            "anchor_time": self.anchored_at(chosen) if chosen else self.automatic_anchor(),
            "cron_expression": None,
        }

    def chosen(self) -> dict[str, str]:
        """Return the properties that a source which is to be made begins with."""
        return {name: value for name, value in self.properties().items() if value is not None}

    def anchored_at(self, chosen: str) -> str:
        """Return the anchor of a time of day; the stored one when it says the same."""
        if self.stored_anchor is not None and chosen == self.initial["anchor"]:
            return str(self.stored["anchor_time"])
        return as_property(datetime.combine(self.now.astimezone(UTC), time.fromisoformat(chosen), tzinfo=UTC))

    def automatic_anchor(self) -> str | None:
        """Return the anchor that was filled in, which keeps the grid fixed; one that was chosen is given up."""
        if self.stored_anchor is None or is_chosen(self.stored_anchor):
            return None
        return str(self.stored["anchor_time"])

    def sample(self) -> dict[str, object] | None:
        """Return the sentence and the next three starts of what the form says; None while it cannot be read."""
        properties: Mapping[str, object] = self.stored
        if self.is_bound:
            if not self.is_valid():
                return None
            properties = self.properties()
        plan = plan_of(properties, type_name=self.type_name, created_at=self.created_at)
        cron = properties.get("cron_expression")
        return {
            "every": "" if cron else WORDS[frequency_of(properties, self.type_name)],
            "cron": cron,
            "runs": runs_of(plan, self.now, SAMPLE),
            "is_new": not self.stored,
            "type_label": self.type_label,
        }

    @property
    def problems(self) -> list[str]:
        """Return what is wrong, in sentences that name their fields."""
        return [
            str(error) if name in ("advanced", "frequency") else f"{self.fields[name].label}: {error}"
            for name, errors in self.errors.items()
            for error in errors
        ]
