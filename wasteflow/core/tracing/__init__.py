"""Tracing of mass to its generator on the monthly roll-up (paper 6); no database, no clock.

One material at a time: `build_chain(FlowTable)` makes the months, `prepared(chain)` the operators
and the year pass, and every question is a function of these two.

`flows` columns and names of origins · `months` books, sources, draws, holes · `solve` one month as
a linear system · `blocks`, `operators`, `elimination` the matrices of many months, and solving them
· `ways`, `unrolled` all months as one system without the queues that pass everything on ·
`together` several materials as one chain · `yearpass` who leaves a queue first · `sweep` backwards
to a target, `adjoint` the same with the values of every queue · `forward` all origins ·
`attribution`, `periods`, `many_periods` terms of periods · `monthly` closed months · `followup`
after a credit · `provenance` one firm · `loops` resale · `rounding` whole kilograms · `identity`
the proof.
"""
