//! Real parts for tests: Redis with its Sentinels, MariaDB, nginx, each a process of its own on a free port. Each dies with
//! its handle, and with the test process, however that ends.

pub mod disk;
pub mod mariadb;
pub mod nginx;
pub mod process;
pub mod redis;
pub mod sentinel;

pub use disk::Disk;
pub use mariadb::Mariadb;
pub use nginx::Nginx;
pub use redis::Redis;
