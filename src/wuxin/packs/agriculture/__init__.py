"""The agriculture pack: a dairy herd as collateral, watched animal by animal."""
