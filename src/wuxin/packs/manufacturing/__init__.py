"""Manufacturing: what machines draw, make and are like tells what a factory does and is worth."""
