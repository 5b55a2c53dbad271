"""`manage.py install_source postgres`: install the tap of a source type; list, upgrade and remove taps."""

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.sources import installing
from integrations.sources.registry import declaration_faults, find_source_type, source_types
from integrations.sources.source_types import SourceType


class Command(BaseCommand):
    """Install, list, upgrade or remove what a source type runs."""

    help = "Install the tap of a source type into an environment of its own (--list shows the types)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="*", help="Source types, e.g. postgres or platform.hp-postgres.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--list", action="store_true", help="Show all types and whether they are installed."
        )
        what.add_argument("--remove", action="store_true", help="Remove all versions of the tap.")
        what.add_argument(
            "--upgrade", action="store_true", help="Install the declared version and remove the others."
        )
        parser.add_argument("--python", default=sys.executable, help="The Python that the tap shall run on.")

    def handle(self, *args, **options) -> None:
        if options["list"]:
            self.show_types()
            return
        if not options["name"]:
            raise CommandError("Name a source type; --list shows what there is.")
        for name in options["name"]:
            found = self.find(name)
            if options["remove"]:
                self.remove(found)
            else:
                self.install(found, python=options["python"], upgrade=options["upgrade"])

    def find(self, name: str) -> SourceType:
        """Return the type of a name, with or without its prefix, or of its tap."""
        found = find_source_type(name) or find_source_type(f"platform.{name}")
        found = found or next((item for item in source_types() if item.tap == name), None)
        if found is None:
            told = "".join(f"\n{fault.path}: {fault.message}" for fault in declaration_faults())
            raise CommandError(f"There is no source type {name}; --list shows what there is.{told}")
        if found.is_push:
            raise CommandError(f"{found.label} needs no tap: programs push to it.")
        if found.program:
            raise CommandError(f"{found.label} runs {found.program[0]}, which this command does not install.")
        return found

    def install(self, found: SourceType, *, python: str, upgrade: bool) -> None:
        try:
            is_new = installing.install(found, python=python, tell=self.stdout.write)
        except installing.InstallFailed as error:
            raise CommandError(f"{found.label} was not installed. {error}") from error
        except OSError as error:
            raise CommandError(f"{found.label} was not installed: {error}") from error
        words = "is installed" if is_new else "was installed already"
        self.stdout.write(f"{found.label}: {found.package} {found.version} {words} in {found.folder}")
        for folder in installing.installed_versions(found) if upgrade else []:
            if folder != found.folder:
                self.take_away(folder)

    def remove(self, found: SourceType) -> None:
        folders = installing.installed_versions(found)
        if not folders:
            raise CommandError(f"{found.label} is not installed.")
        for folder in folders:
            self.take_away(folder)

    def take_away(self, folder) -> None:
        try:
            installing.remove(folder)
        except installing.InUse as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Removed {folder}")

    def show_types(self) -> None:
        """Print one line for each type, and what is wrong with declarations."""
        for found in source_types():
            if found.is_push:
                continue
            state = "installed" if found.is_installed else "not installed"
            what = " ".join(found.program) or f"{found.package} {found.version}"
            self.stdout.write(f"{found.short_name:20} {state:14} {found.label} ({what})")
        for fault in declaration_faults():
            self.stderr.write(f"{fault.path} is left out: {fault.message}")
