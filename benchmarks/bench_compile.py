"""How long a processor compiles for a call, in a new process with an empty cache."""

from . import fresh

COMPILE = """{prelude}
start = time.process_time()
fs.{call}
print(time.process_time() - start)
"""
CALLS = {
    "bilinear": "grid_sample(zeros(1, 3, 64, 64), zeros(1, 64, 64, 2))",
    "bicubic": "grid_sample(zeros(1, 3, 64, 64), zeros(1, 64, 64, 2), 'bicubic')",
    "bilinear, volume": "grid_sample(zeros(1, 1, 32, 32, 32), zeros(1, 32, 32, 32, 3))",
    "backward": "grid_sample_backward(*[zeros(1, 3, 64, 64)] * 2, zeros(1, 64, 64, 2))",
    "remap, uint8": "remap(zeros(64, 64, 3, dtype=np.uint8), *[zeros(64, 64)] * 2)",
    "deform_conv2d": "deform_conv2d(zeros(1, 8, 32, 32), zeros(1, 18, 30, 30), zeros(8, 8, 3, 3))",
}


class Compile:
    """Every stage and loop that the call wants, and the compiler's own start."""

    params = (list(CALLS),)
    param_names = ("call",)
    unit = "s"
    timeout = 300

    def track_compilation(self, call):
        return fresh.cold(COMPILE.format(prelude=fresh.PRELUDE, call=CALLS[call]))
