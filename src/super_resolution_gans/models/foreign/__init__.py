"""Other people's generators: how their files are recognised, and what layers they describe.

One small module for each relation of networks. A family is a :class:`family.Family`: the names
every file of it has, and a function that draws its layers, reading widths, blocks and scale off
the shapes of the file. The definitions are the published ones, in our words; no code is theirs.
"""
