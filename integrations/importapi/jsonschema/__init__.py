"""JSON Schema draft-04 with the verdicts and the texts of import-api.md 5."""

from integrations.importapi.jsonschema.compiling import InvalidSchema, Schema, compile_schema
from integrations.importapi.jsonschema.failures import Failure

__all__ = ["Failure", "InvalidSchema", "Schema", "compile_schema"]
