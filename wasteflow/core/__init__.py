"""Pure rules of the ledger: no Flask, no SQLAlchemy, no files, no clock.

Standard library, numpy, scipy and networkx only.  Everything here is a function of its arguments.
"""
