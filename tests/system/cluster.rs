//! Several processes over several Redis nodes: windows in step, and what happens when a part of it breaks.

mod bystanders;

mod in_step;

mod outages;

mod processes;

mod failover;

mod passed_on;

mod for_people;
