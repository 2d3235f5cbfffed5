//! The gate before tiny_http: bounded connections, bounded requests, deadlines.
