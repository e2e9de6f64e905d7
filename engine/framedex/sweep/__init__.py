"""The sweep: every question × prompt variant × sampler × budget × model of a sweep.yaml, answered once and recorded.

`config` reads the file, `plan` resolves it, `choose` gives the frames, `asks` what is to be asked of them, `work` answers it
video by video, and `run` keeps the records.
"""
