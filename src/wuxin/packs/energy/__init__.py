"""Energy: a photovoltaic station that is financed by a loan, watched by what it yields."""
