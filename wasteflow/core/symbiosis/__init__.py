"""From bookkeeping to new exchanges: prices, feasible links, cheapest allocation, dependence.

Pure: plain data in, plain data out.  Masses are whole kilograms, money is fen (0.01 CNY) per tonne.
"""
