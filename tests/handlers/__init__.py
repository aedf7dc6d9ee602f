"""Who is told, when, and that it arrives."""
