"""What the product is put through: kills under load, with a checker outside that remembers what was acknowledged."""
