"""What every loan needs, whatever the industry: the facility, prices, double naming, silence."""
