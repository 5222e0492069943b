"""How fast the program is, beside the usual ways to run the same models: `vlm_demo bench`.

Both sides run in one process or on one machine, in turns, with the same model and as many threads,
so that what else the machine does hits both; what counts are the ratios.

`rows` says what is measured, `running` measures it.
"""
