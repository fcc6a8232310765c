"""Baskets: named sets of product codes in several nomenclatures, what their totals are made of, and named groups of partners."""
