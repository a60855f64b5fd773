//! Messages that are kept, while parts of the site die, hang, forget or run out of space: acknowledged is kept, shown once,
//! in one order.

mod site;

mod clock;
mod crash;
mod database;
mod disk;
mod forgetting;
mod quiet;
mod races;
