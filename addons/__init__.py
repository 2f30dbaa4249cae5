"""Enforcement in HTTP proxies: adapters that turn a proxy's events into queries and verdicts into answers."""
