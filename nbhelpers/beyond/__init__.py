"""What the pages beyond the eight leave: one module each."""
