//! Is this mail an automatic answer or a bounce? RFC 3834 and what came before it.
