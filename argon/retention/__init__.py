"""Retention: how long history is kept, and what is held beyond that.

:mod:`~argon.retention.period` says how long, :mod:`~argon.retention.held` what
stays, :mod:`~argon.retention.horizon` where what can be gone back to begins.
The rest is removed by :mod:`argon.gc`.
"""
