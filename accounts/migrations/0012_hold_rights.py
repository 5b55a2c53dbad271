"""Operators may put an account on hold and lift it (decision D19)."""

from django.db import migrations


def grant(apps, schema_editor):
    """Django makes permissions after all migrations; this one is needed now, with its name."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="accounts", model="account"
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type,
        codename="hold_account",
        defaults={"name": "Can put an account on hold and lift it"},
    )
    for group in apps.get_model("auth", "Group").objects.filter(name="Operators"):
        group.permissions.add(permission)


def withdraw(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="accounts", codename="hold_account"
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_holds_and_trial_ends"),
        ("integrations", "0004_staff_groups"),
    ]
    operations = [migrations.RunPython(grant, withdraw)]
