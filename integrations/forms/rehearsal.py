"""Sample records and how they would be sent. Nothing of it is kept."""

from __future__ import annotations

import uuid
from datetime import datetime

from django import forms

from integrations.importapi.pasted import NoTable, Sending, Unreadable, request_of
from integrations.loading.batches import TableBatch
from integrations.loading.reading import BATCH, PUSH, read_table_batches
from integrations.services.rehearsals import MAX_SAMPLE_BYTES

MAX_NAME_LENGTH = 1024
EXAMPLE = """\
{"booking_id": "B-9", "paid": 40.5, "guest": {"name": "Ada", "city": "Oslo"}, "labels": ["vip", "late"]}
{"booking_id": "B-10", "paid": 12, "guest": {"name": "Ben", "city": null}, "labels": []}
"""
MILLISECONDS = 1000


class RehearsalForm(forms.Form):
    """What is pasted, and for plain records the table, the key and the endpoint they would go to."""

    sample = forms.CharField(
        label="Sample records",
        strip=False,
        help_text="One JSON record a line, an array of them, or the whole body of a batch or push. Up to 1 MiB.",
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "spellcheck": "false",
                "autocomplete": "off",
                "wrap": "off",
                "class": "code-field",
            }
        ),
    )
    table_name = forms.CharField(
        label="Table name",
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="A whole request names its own tables and keys.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    key_names = forms.CharField(
        label="Key fields",
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="Separated by commas. Without a key every record becomes a row.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    kind = forms.ChoiceField(
        label="Sent as",
        choices=[
            (BATCH, "Batch, with the JSON Schema that the records suggest"),
            (PUSH, "Push, typed by the values alone"),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args, client_id: int, now: datetime, **kw) -> None:
        example = {"sample": EXAMPLE, "table_name": "bookings", "key_names": "booking_id", "kind": BATCH}
        super().__init__(*args, initial=example, **kw)
        self.client_id = client_id
        self.now = now
        self.batches: list[TableBatch] = []

    def clean_sample(self) -> str:
        sample: str = self.cleaned_data["sample"]
        size = len(sample.encode("utf-8", "surrogatepass"))
        if size > MAX_SAMPLE_BYTES:
            raise forms.ValidationError(
                f"The sample has {size:,} bytes; a rehearsal takes {MAX_SAMPLE_BYTES:,}. A few records of each sort do."
            )
        return sample

    def clean_key_names(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["key_names"].split(",")]
        return list(dict.fromkeys(name for name in names if name))

    def clean(self) -> dict[str, object]:
        cleaned = self.cleaned_data
        if self.errors:
            return cleaned
        sending = Sending(
            cleaned["table_name"],
            cleaned["key_names"],
            cleaned["kind"],
            self.client_id,
            int(self.now.timestamp() * MILLISECONDS),
        )
        try:
            kind, body = request_of(cleaned["sample"], sending)
        except NoTable:
            self.add_error("table_name", "Name the table that these records would go to.")
        except Unreadable as error:
            self.add_error("sample", list(error.lines))
        else:
            self.batches = read_table_batches(
                kind=kind, body=body, batch_id=str(uuid.uuid4()), received_at=self.now
            )
        return cleaned
