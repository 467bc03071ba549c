"""The pure floor: values, messages, protocols, records and the exchange.

Bytes, times and random values come in as arguments. Nothing here reads a
file, a clock or a socket. May import: the standard library and pydantic.
"""
