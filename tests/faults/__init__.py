"""Faults at every step: killed clients and servers, refused commands, cut connections, interruptions."""
