"""The style sheets, scripts and pictures of the pages, under names that change with what is in them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Remembers each address: every page names thirty files, and their names last as long as the process."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.addresses: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """Return the address of a file. Raises ValueError for one that was not collected."""
        found = self.addresses.get(name)
        if found is None:
            found = self.addresses[name] = super().url(name, force)
        return found
