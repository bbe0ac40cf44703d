"""Infrastructure: people, machines, dust, noise and progress of a financed construction site."""
