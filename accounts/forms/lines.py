"""The field for one line of text: a name, a company, a description, a reason."""

from django import forms
from django.core.exceptions import ValidationError

from accounts.lines import LineRefused, clean_line


class LineField(forms.CharField):
    """One line of text under the rule of `clean_line`, so that it cannot forge another (promise A4)."""

    def __init__(self, *, most_characters: int = 255, **options):
        super().__init__(**options)
        self.most_characters = most_characters
        self.widget.attrs["maxlength"] = most_characters

    def clean(self, value: object) -> str:
        line = super().clean(value)
        if not line and not self.required:
            return ""
        try:
            return clean_line(line, max_length=self.most_characters)
        except LineRefused as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
