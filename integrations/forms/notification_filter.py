"""What All Notifications shows of the list."""

from django import forms

from integrations.models import Category, Kind, Level
from integrations.models.notification import kinds_with

LEVELS = {level.name.lower(): level for level in Level}
CATEGORIES = {
    category.name.lower(): category
    for category in Category
    if any(kind.facts.category is category for kind in Kind)
}


class NotificationFilterForm(forms.Form):
    """Level and category; an empty field does not narrow."""

    level = forms.ChoiceField(
        label="Level",
        required=False,
        choices=[("", "All levels"), *((name, level.value) for name, level in LEVELS.items())],
    )
    category = forms.ChoiceField(
        label="Category",
        required=False,
        choices=[("", "All categories"), *((name, category.value) for name, category in CATEGORIES.items())],
    )

    def kept(self) -> dict[str, str]:
        """Return what was chosen, for the addresses of other pages of the list."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.cleaned_data.items() if value}

    def kinds(self) -> list[str] | None:
        """Return the kinds that the list is narrowed to; None when it is not."""
        chosen = self.kept()
        if not chosen:
            return None
        return kinds_with(
            level=LEVELS.get(chosen.get("level", "")), category=CATEGORIES.get(chosen.get("category", ""))
        )
