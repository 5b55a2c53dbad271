"""Moves records into destinations. Imports no Django."""
