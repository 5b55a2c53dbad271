"""Free rows kept apart, and which schema names had their seven free days (app.md 13.1)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_staff_permissions"),
        ("integrations", "0016_notifications_for_staff"),
    ]

    operations = [
        migrations.AddField(
            model_name="dailyrows",
            name="free_rows",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Those of the first seven days of the schema name: they do not count."
            ),
        ),
        migrations.CreateModel(
            name="FreeWeek",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("schema_name", models.CharField(max_length=49)),
                ("began_at", models.DateTimeField(help_text="When the first row was loaded.")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="free_weeks",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "schema_name"), name="free_week_once_per_schema"
                    )
                ],
            },
        ),
    ]
