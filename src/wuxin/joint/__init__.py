"""The joint wing: institutions compute on their joined data, on secret shares of it."""
