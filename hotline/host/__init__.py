"""What the machine gives: clock, chance, key file, settings, template packs.

The one floor that asks what time it is or draws a random number.
May import core, fluent and babel, and in keyfile.py cryptography and nacl;
never sealing, ledger or transport.
"""
