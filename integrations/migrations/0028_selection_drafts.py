"""Pending choices of tables, one row for each member and source; staff see that there are some (decision D19)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def grant(apps, schema_editor):
    """Django makes permissions after all migrations; this one is needed now, with its name."""
    alias = schema_editor.connection.alias
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label="integrations", model="selectiondraft")
    )
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(
            content_type=content_type,
            codename="view_selectiondraft",
            defaults={"name": "Can view selection draft"},
        )
    )
    for group in (
        apps.get_model("auth", "Group").objects.using(alias).filter(name__in=["Support", "Operators"])
    ):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0027_name_destination_checks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SelectionDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "bulk",
                    models.CharField(
                        blank=True,
                        choices=[("track", "Track all"), ("stop", "Stop tracking all")],
                        max_length=5,
                    ),
                ),
                (
                    "streams",
                    models.JSONField(
                        default=dict,
                        help_text="{number of a stream: {selected: boolean, fields: {name: boolean}}}",
                    ),
                ),
                (
                    "parents",
                    models.JSONField(
                        default=list, help_text="Ticked databases and schemas: [database, schema]."
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=0, help_text="Grows with each choice: two tabs can differ."
                    ),
                ),
                (
                    "begun_at",
                    models.DateTimeField(
                        help_text="Since when choices are pending; null without any.", null=True
                    ),
                ),
                (
                    "seen_change_id",
                    models.BigIntegerField(default=0, help_text="The last schema change that was shown."),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="selection_drafts",
                        to="integrations.integration",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("integration", "user"), name="selection_draft_once_per_member"
                    )
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
