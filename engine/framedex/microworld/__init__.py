"""The micro-world: real, small videos with known evidence, and the encoder that is trained on them.

Textured, coloured things appear, move and vanish before a panning camera; every clip is determined by (seed, index).
`make.make_world` writes clips and captions, `train` trains micro-siglip, `evaluate` scores a checkpoint on a world.
"""
