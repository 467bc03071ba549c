"""Scenarios and their injects as data. Pure."""
