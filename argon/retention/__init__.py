"""Retention: how long history is kept, what is held beyond that, and the removal of the rest.

:mod:`~argon.retention.period` says how long, :mod:`~argon.retention.held` what
stays, :mod:`~argon.retention.horizon` where what can be gone back to begins.
:mod:`~argon.retention.collect` is garbage collection, phase by phase.
"""
