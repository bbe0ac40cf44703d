"""Forged and poisoned input is looked for on the shares; only flags are let out.

Owners are compared with each other, so a guard needs at least three of them and an honest majority.
A flag is a question to an owner, no proof: an owner may be another kind of bank.
"""
