"""Finance: what is done about it; collateral, calls, warnings; money is Decimal with a currency."""
