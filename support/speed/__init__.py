"""accelerate(lenet), which trains the same network faster. Without it the numbers are the same, more slowly."""
