"""The Connect API's contract: request and answer pairs from its published reference, one module per resource.

`rows.py` says what a row is, `states.py` what is there before it is sent, `shapes.py` how objects are written, and
`tables.py` lists the tables. tests/integrations/connect/test_contracts.py sends every row.
"""
