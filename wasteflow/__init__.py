"""wasteflow: the record book and the map of bulk industrial solid waste in industrial parks.

Imports nothing heavy; `__version__` is the only name here.
"""

__version__ = "0.1.0"
