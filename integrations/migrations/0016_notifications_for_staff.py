"""Both groups of staff may see which notifications an account has (decision D19)."""

from django.db import migrations


def let_staff_read(apps, schema_editor):
    group_of, permission_of, type_of = (
        apps.get_model("auth", "Group"),
        apps.get_model("auth", "Permission"),
        apps.get_model("contenttypes", "ContentType"),
    )
    content_type, _ = type_of.objects.get_or_create(app_label="integrations", model="notification")
    permission, _ = permission_of.objects.get_or_create(
        content_type=content_type,
        codename="view_notification",
        defaults={"name": "Can view notification"},
    )
    for group in group_of.objects.filter(name__in=["Support", "Operators"]):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0015_notifications"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(let_staff_read, migrations.RunPython.noop)]
