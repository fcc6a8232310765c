"""
Customs offices that are played: real servers, and people with files, that speak as the offices' documentation says.

One module a kind of source, each with a class `Office` (`players.office.Office` is the contract). A test publishes month
after month; everything an office says follows from what was published so far, so it never shows the future.
"""
