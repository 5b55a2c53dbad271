"""QR codes as one SVG path, drawn on the server: the page loads nothing and needs no script."""

from dataclasses import dataclass

import qrcode


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code of `size` × `size` modules, its quiet border included; `path` draws the dark ones."""

    size: int
    path: str


def draw(text: str) -> QrCode:
    """Return the QR code that says `text`."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    return QrCode(size=len(rows), path="".join(runs(rows)))


def runs(rows: list[list[bool]]) -> list[str]:
    """Return a rectangle for each run of dark modules in a row."""
    drawn = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            begin = x
            while x < len(row) and row[x]:
                x += 1
            if x > begin:
                drawn.append(f"M{begin} {y}h{x - begin}v1h-{x - begin}z")
            x += 1
    return drawn
