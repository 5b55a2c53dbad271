"""The field for an e-mail address that is going to be kept."""

from django import forms


class AddressField(forms.EmailField):
    """An address in lower case, as it is kept: that can be longer than what was typed."""

    def __init__(self, **options):
        super().__init__(max_length=254, **options)

    def to_python(self, value: object) -> str:
        return super().to_python(value).lower()
