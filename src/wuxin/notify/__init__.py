"""Telling subscribers: records leave the house once they are in the book, signed and retried.

    book ──► outbox (one transaction with its position) ──► courier ──► webhook or e-mail

It stands outside of the deterministic flow: nothing that a receiver does changes a record.
"""
