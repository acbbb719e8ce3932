"""Scenarios: blocks of change over the books of a period, projected on a copy; pure.

Nothing here knows a database; the books are never touched.
"""
