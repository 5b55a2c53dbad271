"""Names of integrations, and the names of their schemas in the warehouse (app.md 9.3, decision D34)."""

import re
import unicodedata

from django.db.models import Value
from django.db.models.functions import Lower

from accounts.errors import DomainError
from accounts.models import Account
from integrations.models import Integration

MAX_SCHEMA_NAME_LENGTH = 49  # "under 50 characters"
MAX_DISPLAY_NAME_LENGTH = 255
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_$]{0,48}")
RESERVED_NAMES = frozenset({"information_schema", "main", "temp", "system", "public", "_stitchapp"})
RESERVED_PREFIX = "pg_"


class NameRefused(DomainError):
    """A name that an integration cannot have. `field` is where the person can mend it."""

    field = "display_name"


class InvalidDisplayName(NameRefused):
    """A display name that is empty, too long, not one line, or leaves nothing for a schema name."""

    code = "invalid_display_name"


class InvalidSchemaName(NameRefused):
    """A schema name of the wrong form, or one that the warehouse keeps for itself."""

    code = "invalid_schema_name"
    message = (
        "The name field must be under 50 characters, and can only contain lowercase letters, numbers, "
        "underscores, or dollar signs. It must begin with a letter or an underscore."
    )

    def __init__(self, message: str | None = None, *, field: str = "schema_name") -> None:
        super().__init__(message)
        self.field = field


class NameTaken(NameRefused):
    """Another live integration of the account has the name already."""

    code = "name_taken"

    def __init__(self, message: str, *, field: str = "display_name") -> None:
        super().__init__(message)
        self.field = field


def clean_display_name(text: str) -> str:
    """Return the name on one line without blanks around it, or raise InvalidDisplayName (promise A4)."""
    name = "".join(
        " " if unicodedata.category(character) == "Zs" else character for character in text
    ).strip()
    if not name:
        raise InvalidDisplayName("This field is required.")
    if len(name) > MAX_DISPLAY_NAME_LENGTH:
        raise InvalidDisplayName(
            f"The name is {len(name):,} characters long; at most {MAX_DISPLAY_NAME_LENGTH} are possible."
        )
    if not name.isprintable():
        raise InvalidDisplayName("The name must be one line without control characters.")
    return name


def derive_schema_name(display_name: str) -> str:
    """Return the schema name that a display name makes; empty when nothing usable is left.

    Accents fold away, letters become small, blanks and hyphens become underscores, other signs are dropped,
    and an underscore comes before a leading digit (decision D34).
    """
    folded = unicodedata.normalize("NFKD", display_name.casefold())
    kept = re.sub(r"[^a-z0-9_\s-]", "", re.sub(r"[\u2010-\u2015\u2212]", "-", folded))
    name = re.sub(r"[\s-]+", "_", kept.strip(" \t\r\n-"))
    if not name.strip("_"):
        return ""
    return f"_{name}" if name[0].isdigit() else name


def is_reserved(schema_name: str) -> bool:
    """Tell whether the warehouse, or Stitch within it, keeps the name for itself."""
    return schema_name in RESERVED_NAMES or schema_name.startswith(RESERVED_PREFIX)


def choose_schema_name(*, account: Account, display_name: str, schema_name: str | None = None) -> str:
    """Return the schema name of a new integration, or raise what is wrong with its names.

    Without `schema_name` it is derived from the display name. To be sure of the answer, hold the account's lock.
    """
    derived = schema_name is None
    name = derive_schema_name(display_name) if schema_name is None else schema_name
    if derived and not name:
        raise InvalidDisplayName(
            f"invalid name after deriving it from display_name ({display_name} -> {name})"
        )
    field = "display_name" if derived else "schema_name"
    if not SCHEMA_NAME.fullmatch(name):
        raise InvalidSchemaName(field=field)
    if is_reserved(name):
        raise InvalidSchemaName(
            f"The schema name {name} is reserved in the data warehouse. Use a different one.", field=field
        )
    if account.integrations.live().filter(schema_name=name).exists():
        raise NameTaken(
            f"non-unique name after deriving it from display_name ({display_name} -> {name})"
            if derived
            else f"non-unique name ({name})",
            field=field,
        )
    return name


def require_free_display_name(
    *, account: Account, display_name: str, integration: Integration | None = None
) -> None:
    """Raise NameTaken when another live integration than `integration` has the display name, in any case."""
    same = account.integrations.live().alias(lowered=Lower("display_name"))
    same = same.filter(lowered=Lower(Value(display_name)))
    if integration is not None:
        same = same.exclude(pk=integration.pk)
    if same.exists():
        raise NameTaken(f"non-unique name ({display_name})")
