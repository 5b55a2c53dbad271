"""Staff read post-load hooks and what became of their messages (decision D19)."""

from django.db import migrations

NEW = (
    ("hook", "view_hook", "Can view post-load hook"),
    ("delivery", "view_delivery", "Can view hook delivery"),
)


def granting(permissions):
    """Return what lets both groups of staff have permissions: (model, codename, name) each; later migrations use it."""

    def grant(apps, schema_editor):
        """Django makes permissions after all migrations; these are needed now, with its names."""
        alias = schema_editor.connection.alias
        for model, codename, name in permissions:
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
            groups = apps.get_model("auth", "Group").objects.using(alias)
            for group in groups.filter(name__in=["Support", "Operators"]):
                group.permissions.add(permission)

    return grant


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0022_post_load_hooks"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(granting(NEW), migrations.RunPython.noop)]
