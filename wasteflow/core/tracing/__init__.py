"""Tracing of mass to its generator on the monthly roll-up (paper 6); no database, no clock."""
