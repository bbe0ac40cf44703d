"""Logistics and warehousing: goods in a warehouse, named by receipts, pledged for a loan."""
