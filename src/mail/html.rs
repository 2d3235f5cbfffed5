//! HTML to text: linear, aware of blocks, never executing or fetching anything.
