//! The life of a server process: how it starts, says where it is, and ends.
