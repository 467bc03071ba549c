"""What a ledger holds: events, leaves, the Merkle tree, checkpoints. Pure."""
