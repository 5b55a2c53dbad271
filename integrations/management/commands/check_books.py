"""Do the books balance? (promise I5)"""

from django.core.management.base import BaseCommand, CommandError
from django.db.models import F

from integrations.models import BatchTable, BatchTableState


class Command(BaseCommand):
    help = "Check that each loaded share of a batch accounts for every record that was accepted."

    def handle(self, *args, **options):
        loaded = BatchTable.objects.filter(state=BatchTableState.LOADED)
        accounted = F("inserted") + F("updated") + F("superseded") + F("rejected")
        wrong = loaded.exclude(records=accounted).select_related("batch").order_by("pk")
        for share in wrong[:100]:
            self.stderr.write(
                f"batch {share.batch.receipt}, table {share.table_name}: {share.records} accepted, "
                f"{share.inserted} inserted, {share.updated} updated, "
                f"{share.superseded} superseded, {share.rejected} rejected"
            )
        if count := wrong.count():
            raise CommandError(f"The books do not balance for {count} of {loaded.count()} loaded shares.")
        waiting = BatchTable.objects.waiting().count()
        self.stdout.write(f"The books balance: {loaded.count()} loaded shares; {waiting} still wait.")
