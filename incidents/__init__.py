"""The domain of digital urban management: pure decisions over frozen values.

Standard library and pydantic only: no I/O, no clock, no logging, no randomness. `now`, ids and look-ups are arguments.
"""
