"""Arrays as they are: the grid of a strided array beside the memory it looks into (`viz.array`)."""
