"""Bank operations: custody, vaults, double recording and the register of assets (mission A10)."""
