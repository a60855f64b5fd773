//! Has the linker put the functions that a message runs beside each other: which they are, and why, says `hot.ld`.

fn main() {
    println!("cargo::rerun-if-changed=hot.ld");
    let value = |name| std::env::var(name).unwrap_or_default();
    // Who chooses a linker himself may have one that reads no such file.
    let is_usual = !value("CARGO_ENCODED_RUSTFLAGS").contains("fuse-ld") && value("RUSTC_LINKER").is_empty();
    if value("CARGO_CFG_TARGET_OS") == "linux" && value("PROFILE") == "release" && is_usual {
        println!("cargo::rustc-link-arg-bins=-T{}/hot.ld", env!("CARGO_MANIFEST_DIR"));
    }
}
