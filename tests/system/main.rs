//! What holds of the whole: the structure of the tree, and the real binaries driven from outside.

#[cfg(test)]
mod client;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod life;
#[cfg(test)]
mod places;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod window;
