"""The picture of the page "Recipes", drawn from what its code makes."""

import re
from pathlib import Path

import matplotlib.pyplot as plt

PAGE = Path("../recipes.md").read_text(encoding="utf-8")  # Sphinx runs a drawing in its folder
made = {}
for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
    exec(code, made)

TITLES = {"turned": "rotated", "tag": "name tag, straight on", "small": "thumbnail", "seam": "view"}
figure, panels = plt.subplots(1, 4, figsize=(8, 2.4), layout="constrained")
for panel, (name, title) in zip(panels, TITLES.items(), strict=True):
    panel.imshow(made[name])
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=10)
plt.show()
