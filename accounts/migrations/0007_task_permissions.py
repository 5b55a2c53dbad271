"""Staff see background work; Operators retry what failed (decision D19)."""

from django.db import migrations

RIGHTS = {
    "view_task": ("Can view background task", ("Support", "Operators")),
    "retry_task": ("Can retry a failed background task", ("Operators",)),
}


def grant(apps, schema_editor):
    """Django makes permissions after all migrations; these are needed now, with its names."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="accounts", model="task"
    )
    groups = apps.get_model("auth", "Group").objects
    for codename, (name, staff) in RIGHTS.items():
        permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )
        for group in groups.filter(name__in=staff):
            group.permissions.add(permission)


def withdraw(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="accounts", codename__in=list(RIGHTS)
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_background_tasks"),
        ("integrations", "0004_staff_groups"),
    ]
    operations = [migrations.RunPython(grant, withdraw)]
