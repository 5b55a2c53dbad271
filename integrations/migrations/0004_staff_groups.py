"""The two groups of staff (decision D19)."""

from django.db import migrations

READABLE = {
    "accounts": [
        "account",
        "apikey",
        "apikeyrefusal",
        "auditevent",
        "membership",
        "plan",
        "user",
    ],
    "integrations": [
        "accesstoken",
        "accesstokenrefusal",
        "batch",
        "batchtable",
        "dailyrows",
        "destination",
        "integration",
        "load",
        "loadedtable",
        "queuedtable",
    ],
}
SUPPORT = [("accounts", model, f"view_{model}") for model in READABLE["accounts"]]
SUPPORT += [("integrations", model, f"view_{model}") for model in READABLE["integrations"]]
SUPPORT += [
    ("accounts", "apikey", "disable_apikey"),
    ("accounts", "apikey", "look_up_credential"),
    ("integrations", "accesstoken", "revoke_accesstoken"),
]
OPERATORS = [
    *SUPPORT,
    ("accounts", "account", "change_account"),
    ("accounts", "plan", "add_plan"),
    ("accounts", "plan", "change_plan"),
]


def make_groups(apps, schema_editor):
    """Make the groups. Django makes permissions after all migrations; these are needed now, with its names."""
    group_of, permission_of, type_of = (
        apps.get_model("auth", "Group"),
        apps.get_model("auth", "Permission"),
        apps.get_model("contenttypes", "ContentType"),
    )
    for name, rights in (("Support", SUPPORT), ("Operators", OPERATORS)):
        group, _ = group_of.objects.get_or_create(name=name)
        for app_label, model, codename in rights:
            content_type, _ = type_of.objects.get_or_create(app_label=app_label, model=model)
            permission, _ = permission_of.objects.get_or_create(
                content_type=content_type,
                codename=codename,
                defaults={"name": name_of(apps.get_model(app_label, model), codename)},
            )
            group.permissions.add(permission)


def name_of(model, codename):
    """Return the name that Django gives a permission."""
    own = dict(model._meta.permissions)
    return own.get(codename) or f"Can {codename.split('_')[0]} {model._meta.verbose_name}"


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=["Support", "Operators"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_staff_permissions"),
        ("integrations", "0003_staff_permissions"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_groups, remove_groups)]
