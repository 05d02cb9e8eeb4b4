"""The standing attacker: a city with ground truth, what thieves and insiders hold of it, and how they would use it."""
