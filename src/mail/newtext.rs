//! The new text of a mail: what its author wrote, without quoted history, forwarded blocks and signatures.
