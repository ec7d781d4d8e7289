"""The ledger: every message is accounted for here. All statements are set-based, for 1..N rows."""
