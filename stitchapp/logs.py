"""One JSON object a line, with the request id on all of them (house style 14)."""

import json
import logging
from datetime import UTC, datetime

from stitchapp import request_facts

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON; facts given as `extra` become keys of their own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
            "logger": record.name,
        }
        if request_id := request_facts.current().request_id:
            line["request_id"] = request_id
        line |= {
            key: value
            for key, value in record.__dict__.items()
            if key not in STANDARD and key not in ("request", "server_time", "status_code")
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=True)
