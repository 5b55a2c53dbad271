"""CSV files, sent while they are read: nothing of them is kept in memory."""

import csv
from collections.abc import Iterable

from django.http import StreamingHttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_file(rows: Iterable[list[str]], *, name: str) -> StreamingHttpResponse:
    """Return the rows as a file of that name; no cell can start a formula in a spreadsheet."""
    writer = csv.writer(Echo())
    return StreamingHttpResponse(
        (writer.writerow([harmless(cell) for cell in row]) for row in rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def harmless(cell: str) -> str:
    """Return the cell with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
