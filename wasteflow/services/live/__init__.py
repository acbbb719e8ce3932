"""Loads kept by the people at their gates: one module per group of moves of `core.lifecycle`.

Every function takes `actor` and asks the permission table itself, so that no door can forget it;
one call is one transaction.  What comes back is a load in the shape of the contract (`reading`)
with the warnings that did not stop it.
"""
