"""A schema name never changes after it is saved: the database itself refuses (T-18)."""

from django.db import migrations

MESSAGE = "an integration's schema name cannot change"
SQLITE = f"""
CREATE TRIGGER integration_schema_name_frozen BEFORE UPDATE OF schema_name ON integrations_integration
WHEN NEW.schema_name IS NOT OLD.schema_name
BEGIN SELECT RAISE(ABORT, '{MESSAGE.replace("'", "''")}'); END
"""
POSTGRESQL = [
    f"""
CREATE FUNCTION integration_schema_name_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{MESSAGE.replace("'", "''")}';
END $$
""",
    """
CREATE TRIGGER integration_schema_name_frozen BEFORE UPDATE OF schema_name ON integrations_integration
FOR EACH ROW WHEN (NEW.schema_name IS DISTINCT FROM OLD.schema_name)
EXECUTE FUNCTION integration_schema_name_frozen()
""",
]


def freeze(apps, schema_editor):
    for statement in [SQLITE] if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def thaw(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER integration_schema_name_frozen")
    else:
        schema_editor.execute("DROP TRIGGER integration_schema_name_frozen ON integrations_integration")
        schema_editor.execute("DROP FUNCTION integration_schema_name_frozen()")


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [migrations.RunPython(freeze, thaw)]
