"""Read a page as its visitor does: its words, its table rows, its links and the forms that it would send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

SILENT = {"head", "script", "style", "svg"}
VOID = {"input", "br", "img", "link", "meta", "hr", "use", "rect", "line"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a response shows."""

    def __init__(self, response):
        super().__init__()
        self.pieces: list[str] = []
        self.rows: list[list[str]] = []
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.buttons: dict[str, dict] = {}
        self._open: list[str] = []
        self._cell = self._anchor = self._button = None
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._cell = self.rows[-1]
        elif tag == "a":
            self._anchor = attributes.get("href", "")
        elif tag == "button":
            self._button = attributes
        elif tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))
        elif tag == "input" and self.forms and "name" in attributes and "form" in self._open:
            self.forms[-1].fields[attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag in ("td", "th"):
            self._cell = None
        elif tag == "a":
            self._anchor = None
        elif tag == "button":
            self._button = None

    def handle_data(self, data):
        words = " ".join(data.split())
        if not words or SILENT & set(self._open):
            return
        self.pieces.append(words)
        if self._cell is not None:
            self._cell[-1] = f"{self._cell[-1]} {words}".strip()
        if self._anchor is not None:
            self.links[words] = self._anchor
        if self._button is not None:
            self.buttons[words] = self._button

    @property
    def words(self) -> str:
        return " ".join(self.pieces)

    def form(self, action: str) -> Form:
        """Return the form that is sent to this address."""
        return next(form for form in self.forms if form.action == action)
