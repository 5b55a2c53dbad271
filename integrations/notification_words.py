"""What each kind of notification means: in the guide, and in mails. In a mail `{product}` is filled in."""

from datetime import timedelta

from integrations.models import Kind

MEANINGS = {
    Kind.APPROACHING_ROW_LIMIT: (
        "The rows of the current usage cycle have passed 70 or 90 % of what your plan includes. Loading goes on. It "
        "ends with the cycle, or when your plan includes more."
    ),
    Kind.ROW_LIMIT_REACHED: (
        "The rows of the current usage cycle have reached what your plan includes. Loading goes on. It ends with the "
        "cycle, or when your plan includes more."
    ),
    Kind.FREE_TRIAL_EXPIRATION: (
        "Your free trial is over: integrations are paused and API access keys disabled. It ends when a plan is chosen."
    ),
    Kind.ACCOUNT_INACTIVITY: (
        "Nothing was loaded for more than 40 days, and your integrations were paused. It ends when one is resumed, "
        "or none of them is left."
    ),
    Kind.SAAS_AUTHENTICATION_ERROR: (
        "A source refuses an integration's credentials: a token has expired or was revoked, or a right is missing. "
        "Nothing is extracted until it has others. It ends with the next good connection check or extraction."
    ),
    Kind.DATABASE_INTEGRATION_ERROR: (
        "A database that is a source cannot be read: it does not answer, or refuses the connection or the look at its "
        "tables. Nothing is extracted until then. It is tried again on schedule, and ends with the next good one "
        "or a good connection check."
    ),
    Kind.DATA_WAREHOUSE_ERROR: (
        "A destination refuses to be loaded into, and that will not heal by itself: a wrong password, a missing right, "
        "a full disk. Everything for it waits. It ends when a connection test succeeds, or with the next good load."
    ),
    Kind.DATA_LOADING_ERROR: (
        "A destination cannot be reached or is held by another program, or something in it stands in the way of a "
        "table: a lock, a view, a constraint of yours, a missing right; or an integration has no destination at all. "
        "It ends with the next good load."
    ),
    Kind.EXTRACTION_EXIT_STATUS: (
        "An extraction failed or ran out of time. What it extracted before is loaded, and the next one goes on from "
        "there. It is tried again on schedule, and ends with the next good extraction."
    ),
    Kind.ERROR_PERSISTING_TABLE: (
        "One table cannot be loaded as it is: its key was changed, a column that is needed was taken away, two names "
        "collide. The other tables go on. It ends when the table is loaded again."
    ),
    Kind.UNABLE_TO_LOAD: (
        "The destination refuses what is in some records of a table, and they could not be told apart from the others. "
        "The table waits. It ends when the table is loaded again."
    ),
    Kind.MISSING_REPLICATION_KEY: (
        "A tracked table of a database is read by a column that is not there any more, so new rows of it cannot be "
        "told. It ends when another Replication Key or method is chosen in the Table Settings, or the column is back, "
        "with the next extraction or connection check."
    ),
    Kind.UNDELIVERABLE_HOOK: (
        "A post-load hook was tried several times, and its address took none of the messages. It ends when one is "
        "delivered, and when the hook is disabled or deleted."
    ),
    Kind.REJECTED_RECORDS: (
        "Some records could not be stored and were set aside; the rest was loaded. It ends when each of them has been "
        "replayed or dismissed."
    ),
    Kind.API_RATE_LIMIT: (
        "A source lets no more requests in for now: its quota is used up. You need not do anything: extractions go on "
        "by themselves when it is free again, and the next good one ends it. A lower frequency makes it rarer."
    ),
    Kind.INTERNAL_LOADING: (
        "Something on this server keeps data from being loaded, or data waits for more than 4 minutes without a known "
        "error. It is tried again by itself; if it lasts, tell the people who run the server."
    ),
}


def delay_words(delay: timedelta) -> str:
    """Say when a mail goes out."""
    minutes = delay // timedelta(minutes=1)
    if not minutes:
        return "at once"
    number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"after {number} {unit}{'' if number == 1 else 's'}"


def kinds_explained() -> list[dict[str, str]]:
    """Return the rows of the guide's table."""
    return [
        {
            "name": kind.facts.name,
            "level": kind.facts.level.value,
            "meaning": MEANINGS[kind],
            "delay": delay_words(kind.facts.delay),
            "raw": "yes" if kind.facts.raw else "no",
            "opt_out": "yes" if kind.facts.opt_out else "no",
        }
        for kind in Kind
    ]


LOADING = "{product} is trying to load your data, and we're running into some trouble."
RETRIED = "Nothing is lost. If you can fix the issue, {product} will automatically retry loading the data."
EXTRACTED_AGAIN = (
    "It is tried again on schedule. If you have fixed the issue, you need not wait: run an extraction now."
)
CONNECTION = "Check that the database runs and lets this server in. " + EXTRACTED_AGAIN
EXTRACTING = "{product} is trying to replicate your data, and we're running into some trouble."
LEADS = dict.fromkeys(
    (
        Kind.DATA_WAREHOUSE_ERROR,
        Kind.DATA_LOADING_ERROR,
        Kind.ERROR_PERSISTING_TABLE,
        Kind.UNABLE_TO_LOAD,
        Kind.INTERNAL_LOADING,
    ),
    LOADING,
) | dict.fromkeys(
    (
        Kind.SAAS_AUTHENTICATION_ERROR,
        Kind.DATABASE_INTEGRATION_ERROR,
        Kind.EXTRACTION_EXIT_STATUS,
        Kind.MISSING_REPLICATION_KEY,
        Kind.API_RATE_LIMIT,
    ),
    EXTRACTING,
)
ADVICE = dict.fromkeys(
    (
        Kind.DATA_WAREHOUSE_ERROR,
        Kind.DATA_LOADING_ERROR,
        Kind.ERROR_PERSISTING_TABLE,
        Kind.UNABLE_TO_LOAD,
    ),
    RETRIED,
) | {
    Kind.SAAS_AUTHENTICATION_ERROR: (
        "Give the integration other credentials in its settings: the connection is checked at once, and the next "
        "extraction goes on where the last good one ended."
    ),
    Kind.DATABASE_INTEGRATION_ERROR: CONNECTION,
    Kind.MISSING_REPLICATION_KEY: (
        "Choose another Replication Key or another method in the Table Settings; it applies from the next extraction."
    ),
    Kind.API_RATE_LIMIT: (
        "You need not do anything: it goes on by itself when the source lets requests in again. If it happens often, "
        "lower the replication frequency."
    ),
    Kind.EXTRACTION_EXIT_STATUS: EXTRACTED_AGAIN,
    Kind.INTERNAL_LOADING: (
        "You need not do anything: it is tried again by itself. If it lasts, tell the people who run the server."
    ),
    Kind.REJECTED_RECORDS: (
        "They are kept whole: look at them, put them right and replay them, or dismiss them. Nothing is sent again by "
        "itself."
    ),
}
