"""What the console answers, an area per file; each gives `router(world)`, and `console.app` registers them in one tuple."""
