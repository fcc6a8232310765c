"""
A desk in a storm: processes killed at any point, a full disk, receivers that cannot be trusted.

`figures` are the releases, `receivers` the flaky servers, `victim` what a process does to itself, `nursery` makes processes
fast, `disk` fills up, `storm` lets all of it happen, `calm` compares what is left with a desk that nothing happened to.
"""
