"""Running taps: a process of its own for each, from its lines to batches in the queue."""
