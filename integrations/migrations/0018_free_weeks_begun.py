"""Give each schema name that has loaded before the free week it had; let staff read them."""

from datetime import UTC, datetime, time

from django.db import migrations
from django.db.models import Min

NEW = ("freeweek", "view_freeweek", "Can view free week")


def begin_weeks(apps, schema_editor):
    """A schema name that has loaded before had its first row on the earliest day on record."""
    alias = schema_editor.connection.alias
    rows = apps.get_model("integrations", "DailyRows").objects.using(alias)
    weeks = apps.get_model("integrations", "FreeWeek").objects.using(alias)
    firsts = (
        rows.filter(rows__gt=0)
        .order_by()
        .values_list("account_id", "integration__schema_name")
        .annotate(day=Min("day"))
    )
    weeks.bulk_create(
        (
            weeks.model(
                account_id=account, schema_name=schema_name, began_at=datetime.combine(day, time.min, UTC)
            )
            for account, schema_name, day in firsts
        ),
        batch_size=500,
    )


def let_staff_read(apps, schema_editor):
    """Django makes permissions after all migrations; this one is needed now, with its name."""
    alias = schema_editor.connection.alias
    model, codename, name = NEW
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label="integrations", model=model)
    )
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(content_type=content_type, codename=codename, defaults={"name": name})
    )
    for group in (
        apps.get_model("auth", "Group").objects.using(alias).filter(name__in=["Support", "Operators"])
    ):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0017_free_weeks"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.RunPython(begin_weeks, migrations.RunPython.noop),
        migrations.RunPython(let_staff_read, migrations.RunPython.noop),
    ]
