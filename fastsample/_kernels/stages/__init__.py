"""The stages of a call, compiled apart; what they hand to each other lies in scratch.

`plan` writes where each point of a tile reads and what its taps weigh; an apply stage (`sample`,
`slope`, `scatter`, ...) reads that. `stages_of` in `drive` says what each is compiled for.
"""
