"""Both groups of staff read the requests that came in: metadata alone (decisions D19, D33)."""

from django.db import migrations

READ = {
    "receivedrequest": "Can view received request",
    "requestday": "Can view request day",
}


def grant(apps, schema_editor):
    """Let the groups read. Django makes permissions after all migrations; these are needed now, with its names."""
    group_of, permission_of, type_of = (
        apps.get_model("auth", "Group"),
        apps.get_model("auth", "Permission"),
        apps.get_model("contenttypes", "ContentType"),
    )
    for model, name in READ.items():
        content_type, _ = type_of.objects.get_or_create(app_label="integrations", model=model)
        permission, _ = permission_of.objects.get_or_create(
            content_type=content_type, codename=f"view_{model}", defaults={"name": name}
        )
        for group in group_of.objects.filter(name__in=["Support", "Operators"]):
            group.permissions.add(permission)


def withdraw(apps, schema_editor):
    codenames = [f"view_{model}" for model in READ]
    for group in apps.get_model("auth", "Group").objects.filter(name__in=["Support", "Operators"]):
        group.permissions.remove(
            *apps.get_model("auth", "Permission").objects.filter(
                content_type__app_label="integrations", codename__in=codenames
            )
        )


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0013_destination_form"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(grant, withdraw)]
