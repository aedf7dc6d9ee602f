"""Outward effects: one file per channel, one delivery engine. Alert hooks come with their own change; nothing is here that does not act."""
