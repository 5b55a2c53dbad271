"""Push rows through the public Python client; run by the interpreter of its own environment.

Standard input: an object with url, client_id, token, table, key_names and rows. Times and decimals come as
strings and go out as what they are.
"""

import collections
import collections.abc
import json
import sys
from datetime import datetime
from decimal import Decimal

collections.MutableMapping = (
    collections.abc.MutableMapping
)  # the client's Transit library knows older Pythons
collections.Mapping = collections.abc.Mapping
collections.Hashable = collections.abc.Hashable

from stitchclient.client import Client  # noqa: E402

task = json.load(sys.stdin)
with Client(
    task["client_id"],
    task["token"],
    table_name=task["table"],
    key_names=task["key_names"],
    override_stitch_url=task["url"],
) as client:
    for sequence, row in enumerate(task["rows"], 1):
        data = row | {
            "at": datetime.fromisoformat(row["at"].replace("Z", "+00:00")),
            "temp": Decimal(row["temp"]),
            "place": {"city": row["city"]},
        }
        client.push({"action": "upsert", "sequence": sequence, "data": data})
