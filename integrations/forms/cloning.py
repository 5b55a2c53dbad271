"""What arrives over HTTP to clone an integration: names, a destination, and the credentials, which are not copied."""

from __future__ import annotations

import dataclasses
from typing import Any

from django import forms

from integrations.forms.sources import PREFIX, NewSourceForm
from integrations.sources.source_types import SourceType


class CloneForm(NewSourceForm):
    """The form of a clone. `asked` names the credentials that the original has."""

    keep_selection = forms.BooleanField(
        label="Keep the table and field selection",
        required=False,
        initial=True,
        help_text="The clone tracks the same tables and fields. Without it, choose them once it is connected.",
    )

    def __init__(self, *args: Any, source_type: SourceType, asked: set[str], **kw: Any) -> None:
        wanted = tuple(
            item
            for item in source_type.form
            if item.is_credential and (item.is_required or item.name in asked)
        )
        super().__init__(*args, source_type=dataclasses.replace(source_type, properties=wanted), **kw)
        if source_type.is_push or not source_type.has_discovery:
            del self.fields["keep_selection"]

    @property
    def credentials(self) -> list[forms.BoundField]:
        return [self[PREFIX + item.name] for item in self.source_type.form]
