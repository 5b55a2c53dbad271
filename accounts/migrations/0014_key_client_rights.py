"""Support and Operators read which programs use a key (decision D19)."""

from django.db import migrations


def grant(apps, schema_editor):
    """Give the right. Django makes permissions after all migrations; this one is needed now, with its name."""
    type_of, permission_of = (
        apps.get_model("contenttypes", "ContentType"),
        apps.get_model("auth", "Permission"),
    )
    content_type, _ = type_of.objects.get_or_create(app_label="accounts", model="apikeyclient")
    permission, _ = permission_of.objects.get_or_create(
        content_type=content_type,
        codename="view_apikeyclient",
        defaults={"name": "Can view API access key client"},
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=["Support", "Operators"]):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_key_clients")]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
