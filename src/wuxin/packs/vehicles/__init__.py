"""Vehicles: passenger and commercial, dealers' stock, leasing, ride-hailing, carriers' orders."""
