"""What is to be done with rejected records before they are sent again."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django import forms

from integrations.loading.remedies import FieldType, Path, Remedy, RemedyKind

KINDS = (
    (RemedyKind.AS_IT_IS, "Send as it is: the cause is gone"),
    (RemedyKind.CAST, "Cast a field to another type"),
    (RemedyKind.RENAME, "Rename a field"),
    (RemedyKind.DROP, "Leave a field out"),
)
TYPES = (
    (FieldType.STRING, "string"),
    (FieldType.INTEGER, "integer"),
    (FieldType.NUMBER, "number"),
    (FieldType.BOOLEAN, "boolean"),
    (FieldType.DATE_TIME, "date-time"),
)
LONGEST_NAME = 255


class ReplayForm(forms.Form):
    """One remedy. The fields offered are those of the record that is previewed."""

    remedy = forms.ChoiceField(label="What to do", choices=KINDS, widget=forms.RadioSelect)
    field = forms.ChoiceField(label="Field", required=False)
    type = forms.ChoiceField(label="New type, to cast", choices=TYPES, required=False)
    name = forms.CharField(
        label="New name, to rename", max_length=LONGEST_NAME, required=False, strip=False, empty_value=""
    )

    def __init__(self, *args, paths: Iterable[Path], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["field"].choices = [(encoded(path), ".".join(path)) for path in paths]
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("remedy")
        if kind and kind != RemedyKind.AS_IT_IS and not cleaned.get("field") and "field" not in self.errors:
            self.add_error("field", "Choose the field.")
        if kind == RemedyKind.CAST and not cleaned.get("type") and "type" not in self.errors:
            self.add_error("type", "Choose the type.")
        if kind == RemedyKind.RENAME and not cleaned.get("name") and "name" not in self.errors:
            self.add_error("name", "Give the new name.")
        return cleaned

    def chosen(self) -> Remedy:
        """Return the remedy of a valid form."""
        kind = RemedyKind(self.cleaned_data["remedy"])
        if kind is RemedyKind.AS_IT_IS:
            return Remedy()
        path = tuple(json.loads(self.cleaned_data["field"]))
        target = {RemedyKind.CAST: "type", RemedyKind.RENAME: "name"}.get(kind)
        return Remedy(kind, path, self.cleaned_data[target] if target else "")


def encoded(path: Path) -> str:
    """Return a path as a form carries it: names may hold dots."""
    return json.dumps(list(path))
