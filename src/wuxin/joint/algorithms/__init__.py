"""What institutions compute on joined data: pure functions of arrays, the same plain and on shares.

``keys`` is the owners' part, NumPy alone. All others are functions of JAX arrays with static shapes
and no control flow that depends on data; none opens anything. What is let out is what a program
returns, to the recipients of its contract.
"""
