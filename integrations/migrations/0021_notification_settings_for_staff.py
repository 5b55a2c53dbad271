"""Both groups of staff may see custom notification lists and who hides errors in mail (decision D19)."""

from django.db import migrations

NAMES = {
    "notificationaddress": "Can view notification address",
    "notificationcontent": "Can view notification content",
}


def let_staff_read(apps, schema_editor):
    group_of, permission_of, type_of = (
        apps.get_model("auth", "Group"),
        apps.get_model("auth", "Permission"),
        apps.get_model("contenttypes", "ContentType"),
    )
    for model, name in NAMES.items():
        content_type, _ = type_of.objects.get_or_create(app_label="integrations", model=model)
        permission, _ = permission_of.objects.get_or_create(
            content_type=content_type, codename=f"view_{model}", defaults={"name": name}
        )
        for group in group_of.objects.filter(name__in=["Support", "Operators"]):
            group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0020_notification_settings"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(let_staff_read, migrations.RunPython.noop)]
