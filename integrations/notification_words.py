"""What each kind of notification means, for the guide; only kinds that this server raises have words here."""

from integrations.models import Kind

MEANINGS = {
    Kind.DATA_WAREHOUSE_ERROR: (
        "A destination refuses to be loaded into, and that will not heal by itself: a wrong password, a missing right, "
        "a full disk. Everything for it waits. It ends when a connection test succeeds, or with the next good load."
    ),
    Kind.DATA_LOADING_ERROR: (
        "A destination cannot be reached or is held by another program, or something in it stands in the way of a "
        "table: a lock, a view, a constraint of yours, a missing right; or an integration has no destination at all. "
        "It ends with the next good load."
    ),
    Kind.ERROR_PERSISTING_TABLE: (
        "One table cannot be loaded as it is: its key was changed, a column that is needed was taken away, two names "
        "collide. The other tables go on. It ends when the table is loaded again."
    ),
    Kind.UNABLE_TO_LOAD: (
        "The destination refuses what is in some records of a table, and they could not be told apart from the others. "
        "The table waits. It ends when the table is loaded again."
    ),
    Kind.REJECTED_RECORDS: (
        "Some records could not be stored and were set aside; the rest was loaded. It ends when each of them has been "
        "replayed or dismissed."
    ),
    Kind.INTERNAL_LOADING: (
        "Something on this server keeps data from being loaded. It is tried again by itself; if it lasts, tell the "
        "people who run the server."
    ),
}


def kinds_explained() -> list[dict[str, str]]:
    """Return the rows of the guide's table."""
    return [
        {"name": kind.facts.name, "level": kind.facts.level.value, "meaning": MEANINGS[kind]}
        for kind in Kind
        if kind in MEANINGS
    ]
