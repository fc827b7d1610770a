"""What a run needs and what is not the experiment."""
