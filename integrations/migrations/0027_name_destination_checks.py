"""Give the connection tests that were kept before tests had names one each, so that the API can tell of them."""

import uuid

from django.db import migrations
from django.db.models import F


def name_checks(apps, schema_editor):
    destinations = apps.get_model("integrations", "Destination").objects
    unnamed = destinations.exclude(checked_at=None).filter(check_id=None)
    for pk in unnamed.values_list("pk", flat=True).iterator():
        destinations.filter(pk=pk).update(check_id=uuid.uuid4(), check_started_at=F("checked_at"))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0026_destination_checks")]

    operations = [migrations.RunPython(name_checks, migrations.RunPython.noop)]
