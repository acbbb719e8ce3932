"""Tracing of mass to its generator on the monthly roll-up (paper 6); no database, no clock.

One material at a time: `build_chain(FlowTable)` makes the months, `prepared(chain)` the operators
and the year pass, and every question is a function of these two.

`flows` columns and names of origins · `months` books, sources, draws, holes · `solve` one month as
a linear system · `blocks`, `operators`, `elimination` the matrices of many months, and solving them
· `together` several materials as one chain · `yearpass` who leaves a queue first · `adjoint`
backwards to a target · `forward` all origins · `attribution`, `periods`, `many_periods` terms of
periods · `monthly` closed months · `followup` after a credit · `provenance` one firm · `loops`
resale · `rounding` whole kilograms · `identity` the proof.
"""
