"""SQLAlchemy tables, engine and session, named queries, row ↔ record conversion, migrations.

Knows `wasteflow.core` and nothing else of ours; decides no rule.
"""
