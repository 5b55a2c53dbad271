"""The published plans (app.md 13.2). Operators change them as data afterwards."""

from django.db import migrations

PUBLISHED = [
    {
        "slug": "free_trial", "name": "Free trial", "position": 1, "sold": "14 days", "price_usd": 0,
        "trial_days": 14, "rows_per_month": 100_000_000, "max_destinations": 1, "api_access": True,
        "upper_integrations": True, "post_load_hooks": True, "advanced_scheduling": True,
        "extraction_log_days": 1, "report_days": 7,
    },
    {
        "slug": "standard", "name": "Standard", "position": 2, "sold": "self-serve", "price_usd": 100,
        "rows_per_month": 5_000_000, "max_members": 5, "max_destinations": 1, "max_integration_types": 10,
        "extraction_log_days": 7, "report_days": 7,
    },
    {
        "slug": "advanced", "name": "Advanced", "position": 3, "sold": "through sales", "price_usd": 1250,
        "rows_per_month": 100_000_000, "max_destinations": 3, "api_access": True, "upper_integrations": True,
        "post_load_hooks": True, "advanced_scheduling": True, "extraction_log_days": 60, "report_days": 60,
    },
    {
        "slug": "premium", "name": "Premium", "position": 4, "sold": "through sales", "price_usd": 2500,
        "rows_per_month": 1_000_000_000, "max_destinations": 5, "api_access": True, "upper_integrations": True,
        "post_load_hooks": True, "advanced_scheduling": True, "extraction_log_days": 60, "report_days": 60,
    },
]  # fmt: skip


def add_plans(apps, schema_editor):
    plans = apps.get_model("accounts", "Plan").objects.using(schema_editor.connection.alias)
    for plan in PUBLISHED:
        plans.update_or_create(slug=plan["slug"], defaults=plan)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add_plans, migrations.RunPython.noop)]
