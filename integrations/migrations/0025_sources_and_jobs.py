"""Sources that taps read: their properties, streams and jobs; staff read them (decision D19)."""

import importlib

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

frozen = importlib.import_module("integrations.migrations.0002_schema_name_frozen")
staff = importlib.import_module("integrations.migrations.0023_hooks_for_staff")
NEW = (
    ("job", "view_job", "Can view job"),
    ("stream", "view_stream", "Can view stream"),
    ("schemachange", "view_schemachange", "Can view schema change"),
    ("sourcestate", "view_sourcestate", "Can view source state"),
)


def freeze_again(apps, schema_editor):
    """SQLite makes a table anew to give it a column, and the trigger on the old one is gone with it."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS integration_schema_name_frozen")
        schema_editor.execute(frozen.SQLITE)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0016_closing_accounts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("integrations", "0024_destination_loading_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, freeze_again),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("check", "Connection check"), ("sync", "Extraction")], max_length=10
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True)),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("page", "Member"),
                            ("api", "API"),
                            ("setup", "Set-up"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("stop_asked_at", models.DateTimeField(blank=True, null=True)),
                ("check_exit_status", models.IntegerField(blank=True, null=True)),
                ("discovery_exit_status", models.IntegerField(blank=True, null=True)),
                ("tap_exit_status", models.IntegerField(blank=True, null=True)),
                ("target_exit_status", models.IntegerField(blank=True, null=True)),
                ("discovery_description", models.TextField(blank=True, null=True)),
                ("tap_description", models.TextField(blank=True, null=True)),
                ("target_description", models.TextField(blank=True, null=True)),
                (
                    "records",
                    models.PositiveBigIntegerField(default=0, help_text="Handed over to the queue so far."),
                ),
                ("batches", models.PositiveIntegerField(default=0)),
                (
                    "rows",
                    models.JSONField(blank=True, default=dict, help_text="Records handed over, by stream."),
                ),
                ("log_bytes", models.PositiveBigIntegerField(default=0)),
                ("log_purged_at", models.DateTimeField(blank=True, null=True)),
                ("idempotency_digest", models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="SchemaChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("found_at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("table added", "Table added"),
                            ("table gone", "Table gone"),
                            ("field added", "Field added"),
                            ("field gone", "Field gone"),
                            ("type changed", "Type changed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("table_name", models.TextField()),
                ("field_name", models.TextField(blank=True)),
                ("before", models.TextField(blank=True, help_text="The field’s type before.")),
                ("after", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["-found_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="SourceState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("state", models.JSONField(default=dict, help_text="The tap’s state message, unchanged.")),
                (
                    "sequence",
                    models.BigIntegerField(default=0, help_text="The last sequence that a record was given."),
                ),
                ("updated_at", models.DateTimeField()),
                ("job", models.CharField(blank=True, help_text="The job that stored it.", max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name="Stream",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tap_stream_id",
                    models.TextField(help_text="The tap’s own name of it, unique in the source."),
                ),
                (
                    "id_digest",
                    models.CharField(
                        help_text="SHA-256 of the tap’s name, which has any length.", max_length=64
                    ),
                ),
                ("stream_name", models.TextField()),
                ("metadata", models.JSONField(default=dict, help_text="The tap’s metadata of the stream.")),
                (
                    "chosen",
                    models.JSONField(
                        default=dict,
                        help_text="What members and programs chose: {breadcrumb as JSON text: {key: value}}.",
                    ),
                ),
                (
                    "schema",
                    models.TextField(
                        default="{}", help_text="JSON Schema of its records, as the tap wrote it."
                    ),
                ),
                (
                    "field_metadata",
                    models.JSONField(
                        default=dict,
                        help_text="The tap’s metadata of each field, by its breadcrumb as JSON text.",
                    ),
                ),
                (
                    "is_selected",
                    models.BooleanField(help_text="The stream’s own “selected” in `chosen`.", null=True),
                ),
                ("field_count", models.PositiveIntegerField(default=0)),
                ("found_at", models.DateTimeField(help_text="When it was first discovered.")),
                (
                    "vanished_at",
                    models.DateTimeField(
                        blank=True, help_text="Since when discoveries do not find it.", null=True
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="integration",
            name="next_run_at",
            field=models.DateTimeField(
                blank=True, help_text="When the schedule starts the next extraction.", null=True
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="properties",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="What the connection form says, as strings, without credentials.",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="sealed_credentials",
            field=models.TextField(
                blank=True, editable=False, help_text="The form’s credentials as one JSON object, sealed."
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="step",
            field=models.CharField(
                choices=[
                    ("form", "Connection"),
                    ("discover_schema", "Connection check"),
                    ("field_selection", "Choice of data"),
                    ("fully_configured", "Fully configured"),
                ],
                default="fully_configured",
                max_length=20,
                verbose_name="set-up",
            ),
        ),
        migrations.AlterField(
            model_name="integration",
            name="type",
            field=models.CharField(default="import_api", max_length=50),
        ),
        migrations.AddIndex(
            model_name="integration",
            index=models.Index(
                condition=models.Q(("next_run_at__isnull", False)),
                fields=["next_run_at"],
                name="integration_by_next_run",
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="jobs", to="accounts.account"
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="integration",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="jobs",
                to="integrations.integration",
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="started_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="stopped_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="schemachange",
            name="integration",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="schema_changes",
                to="integrations.integration",
            ),
        ),
        migrations.AddField(
            model_name="sourcestate",
            name="integration",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="state_row",
                to="integrations.integration",
            ),
        ),
        migrations.AddField(
            model_name="stream",
            name="integration",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="streams",
                to="integrations.integration",
            ),
        ),
        migrations.AddField(
            model_name="schemachange",
            name="stream",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="changes",
                to="integrations.stream",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["integration", "mode", "-created_at"], name="job_by_source"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["account", "mode", "completed_at"], name="job_by_account"),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("completed_at", None)),
                fields=("integration", "mode"),
                name="job_one_open_per_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("idempotency_digest", ""), _negated=True),
                fields=("integration", "idempotency_digest"),
                name="job_idempotency_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="stream",
            constraint=models.UniqueConstraint(fields=("integration", "id_digest"), name="stream_once"),
        ),
        migrations.AddIndex(
            model_name="schemachange",
            index=models.Index(fields=["integration", "-found_at"], name="schema_change_by_source"),
        ),
        migrations.RunPython(freeze_again, migrations.RunPython.noop),
        migrations.RunPython(staff.granting(NEW), migrations.RunPython.noop),
    ]
