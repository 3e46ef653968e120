"""Hooks: what may refuse a merge or a commit before it is written."""

from argon.hooks.proposal import Event, Proposal, ProposedChange
from argon.hooks.registry import Hooks

__all__ = ["Event", "Hooks", "Proposal", "ProposedChange"]
