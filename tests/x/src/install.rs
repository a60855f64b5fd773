//! Installing what the tests need and the machine lacks.

use crate::plan::{execute, shown};
use crate::tally::Tally;
use anyhow::{Context, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A real browser for the page and for what Node's clients cannot do (JSONP), glyphs for the Chinese on it, and real
/// Redis servers and Sentinels for the bus, MariaDB for the store, nginx before a cluster, the back ends' PHP, and a clock
/// that jumps.
const DEBIAN: [&str; 8] = [
    "chromium",
    "fonts-noto-cjk",
    "redis-server",
    "redis-sentinel",
    "mariadb-server",
    "nginx-light",
    "php-cli",
    "faketime",
];

/// What apt runs before it starts a service; 101 forbids it (Debian's invoke-rc.d).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the Debian packages that are missing, without starting any service of theirs.
///
/// # Errors
/// Packages are missing and we are not root (the error is the line to run), or apt failed.
pub(crate) fn debian_packages(tally: &mut Tally) -> anyhow::Result<()> {
    let missing: Vec<&str> = DEBIAN.into_iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        println!("{} are installed", DEBIAN.join(", "));
        return Ok(());
    }
    let mut install = apt_get("install");
    install.args(["--yes", "--quiet", "--no-install-recommends"]).args(&missing);
    if !is_root()? {
        bail!("{} missing; as root, run:\n{}", missing.join(", "), shown(&install));
    }
    let _policy = Policy::forbid_services()?;
    // With no package lists, or old ones, the first try fails.
    execute(&mut install, tally).or_else(|_| {
        execute(&mut apt_get("update"), tally)?;
        execute(&mut install, tally)
    })
}

/// Installs exactly what `package-lock.json` names, unless that is there already.
///
/// # Errors
/// npm is missing or failed.
pub(crate) fn npm_packages(folder: &Path, tally: &mut Tally) -> anyhow::Result<()> {
    if is_current(folder) {
        println!("npm packages are installed");
        return Ok(());
    }
    execute(Command::new("npm").arg("ci").current_dir(folder), tally)
}

/// npm writes its own copy of the lock file last of all.
fn is_current(folder: &Path) -> bool {
    let written = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
    match (written("package-lock.json"), written("node_modules/.package-lock.json")) {
        (Some(wanted), Some(installed)) => installed >= wanted,
        _ => false,
    }
}

fn apt_get(verb: &str) -> Command {
    let mut command = Command::new("apt-get");
    command.arg(verb).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_installed(package: &str) -> bool {
    let answer = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    answer.is_ok_and(|answer| answer.stdout == b"installed")
}

fn is_root() -> anyhow::Result<bool> {
    let answer = Command::new("id").arg("-u").output().context("who runs this")?;
    Ok(answer.stdout.trim_ascii() == b"0")
}

/// Forbids packages to start their services while it lives; a policy that the machine has is left alone.
struct Policy {
    ours: bool,
}

impl Policy {
    fn forbid_services() -> anyhow::Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("writing {POLICY}"))?;
        let policy = Self { ours: true };
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.ours && fs::remove_file(POLICY).is_err() {
            eprintln!("{POLICY} could not be removed: remove it by hand");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn packages_older_than_the_lock_file_are_installed_again() {
        let folder = std::env::temp_dir().join(format!("x-install-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).unwrap();
        let touch = |name: &str, age: u64| {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        touch("package-lock.json", 20);
        assert!(!is_current(&folder));
        touch("node_modules/.package-lock.json", 30);
        assert!(!is_current(&folder));
        touch("node_modules/.package-lock.json", 10);
        assert!(is_current(&folder));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_package_that_does_not_exist_is_not_installed() {
        assert!(!is_installed("no-such-package-of-ours"));
        assert!(is_installed("dpkg"));
    }
}
