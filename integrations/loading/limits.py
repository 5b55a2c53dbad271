"""How much one request may hold, whoever reads it (import-api.md 3.1)."""

MAX_RECORDS = 20_000
MAX_DATA_POINTS = 10_000  # of one record
MAX_SEQUENCE = 2**63 - 1
MIN_SEQUENCE = -(2**63)
