"""What can be told to an account's people, and how (app.md 12.2 and 12.3).

Only what this server can really find out stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum


class Level(Enum):
    """How much it matters."""

    WARNING = "Warning"
    CRITICAL = "Critical"
    DELAY = "Delay"


class Category(Enum):
    """What it is about."""

    ACCOUNT = "Account"
    INTEGRATION = "Integration"
    DESTINATION = "Destination"
    REPLICATION = "Replication"
    INTERNAL = "Internal"


NONE, SHORT, LONG = timedelta(0), timedelta(minutes=20), timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Facts:
    """How one kind is shown and mailed.

    A mail waits for `delay`: what is over by then sends none. `raw` mails may quote the error; `opt_out` ones are
    kept from members who want no mail about errors. `{table}`, `{integration}`, `{number}` and `{product}` in a subject
    are filled in.
    """

    name: str
    category: Category
    level: Level
    delay: timedelta
    subject: str
    raw: bool
    opt_out: bool
    many: str = ""  # the subject when one mail tells of several tables or integrations


class Kind(Enum):
    """A kind of notification. Its name, in lower case, is stored."""

    APPROACHING_ROW_LIMIT = Facts(
        "Approaching row limit",
        Category.ACCOUNT,
        Level.WARNING,
        NONE,
        "Approaching Row Limit",
        raw=False,
        opt_out=False,
    )
    ROW_LIMIT_REACHED = Facts(
        "Row limit reached",
        Category.ACCOUNT,
        Level.WARNING,
        NONE,
        "Row Limit Reached",
        raw=False,
        opt_out=False,
    )
    FREE_TRIAL_EXPIRATION = Facts(
        "Free trial expiration",
        Category.ACCOUNT,
        Level.CRITICAL,
        NONE,
        "Your free trial of {product} has expired",
        raw=False,
        opt_out=False,
    )
    ACCOUNT_INACTIVITY = Facts(
        "Account inactivity",
        Category.ACCOUNT,
        Level.CRITICAL,
        NONE,
        "Integrations Paused due to Account Inactivity",
        raw=False,
        opt_out=False,
    )
    SAAS_AUTHENTICATION_ERROR = Facts(
        "SaaS integration authentication error",
        Category.INTEGRATION,
        Level.CRITICAL,
        SHORT,
        "Integration Error",
        raw=True,
        opt_out=True,
    )
    DATABASE_INTEGRATION_ERROR = Facts(
        "Database integration error",
        Category.INTEGRATION,
        Level.CRITICAL,
        NONE,
        "Database Integration Error",
        raw=False,
        opt_out=True,
    )
    DATA_WAREHOUSE_ERROR = Facts(
        "Data warehouse error",
        Category.DESTINATION,
        Level.CRITICAL,
        NONE,
        "Data Warehouse Error",
        raw=False,
        opt_out=True,
    )
    MISSING_REPLICATION_KEY = Facts(
        "Missing or deleted database Replication Key",
        Category.REPLICATION,
        Level.WARNING,
        SHORT,
        "Database Integration Error",
        raw=False,
        opt_out=True,
    )
    UNDELIVERABLE_HOOK = Facts(
        "Unable to deliver post-load hook",
        Category.REPLICATION,
        Level.WARNING,
        NONE,  # it is raised after the last try
        "Unable to Deliver Post Load Notification",
        raw=True,
        opt_out=True,
    )
    EXTRACTION_EXIT_STATUS = Facts(
        "Extraction exit status",
        Category.REPLICATION,
        Level.CRITICAL,
        timedelta(minutes=60),
        "We're encountering some errors with your {integration} integration",
        raw=True,
        opt_out=True,
        many="We're encountering some errors with {number} integrations",
    )
    ERROR_PERSISTING_TABLE = Facts(
        "Error persisting table data",
        Category.REPLICATION,
        Level.CRITICAL,
        NONE,
        "Error persisting data for table {table}",
        raw=False,
        opt_out=True,
        many="Error persisting data for {number} tables",
    )
    DATA_LOADING_ERROR = Facts(
        "Data loading error",
        Category.REPLICATION,
        Level.CRITICAL,
        LONG,
        "We're having trouble writing to your data warehouse",
        raw=True,
        opt_out=True,
    )
    UNABLE_TO_LOAD = Facts(
        "Unable to load data",
        Category.REPLICATION,
        Level.CRITICAL,
        LONG,
        "We're unable to load some of your data",
        raw=True,
        opt_out=True,
    )
    REJECTED_RECORDS = Facts(  # shown by the product since it keeps them; loading.md 7.1 makes it a warning
        "Rejected records",
        Category.REPLICATION,
        Level.WARNING,
        SHORT,
        "Some of your records were rejected",
        raw=False,
        opt_out=True,
    )
    API_RATE_LIMIT = Facts(
        "SaaS integration API rate limit",
        Category.REPLICATION,
        Level.DELAY,
        SHORT,
        "Integration API Rate Limited",
        raw=False,
        opt_out=True,
    )
    INTERNAL_LOADING = Facts(
        "Internal loading",
        Category.INTERNAL,
        Level.DELAY,
        timedelta(hours=3),
        "Data delays",
        raw=False,
        opt_out=True,
    )

    @property
    def stored(self) -> str:
        return self.name.lower()

    @property
    def facts(self) -> Facts:
        return self.value

    @classmethod
    def of(cls, stored: str) -> Kind:
        """Return the kind that a row names."""
        return cls[stored.upper()]
