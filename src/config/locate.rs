//! Where the rule file is: `--config`, `$THIALFI_CONFIG`, `$XDG_CONFIG_HOME/thialfi/rules.toml`,
//! `/etc/thialfi/rules.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the rule file when `--config` does not.
pub const CONFIG_VARIABLE: &str = "THIALFI_CONFIG";

/// The rule file of the whole machine.
const SYSTEM_FILE: &str = "/etc/thialfi/rules.toml";

/// There is no rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule file; looked for {}", tried.join(", "))]
pub struct LocateError {
    /// Every place that was looked at, and why it was not that.
    pub tried: Vec<String>,
}

/// The rule file: the argument of `--config`, else what the environment names, else the user's own, else the
/// machine's. One that is named need not exist here: loading it says best what is wrong. As the XDG specification has
/// it, `$HOME/.config` stands for an `$XDG_CONFIG_HOME` that is not set, and a relative one is ignored.
///
/// # Errors
/// When none is named and none of the usual ones exists.
pub fn find(argument: Option<&Path>, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, LocateError> {
    find_with(argument, environment, Path::new(SYSTEM_FILE))
}

fn find_with(
    argument: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<OsString>,
    system_file: &Path,
) -> Result<PathBuf, LocateError> {
    if let Some(path) = argument {
        return Ok(path.to_owned());
    }
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable(CONFIG_VARIABLE) {
        return Ok(path);
    }
    let mut tried = vec![format!("`${CONFIG_VARIABLE}` (not set)")];
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = variable("XDG_CONFIG_HOME")
        .filter(absolute)
        .or_else(|| variable("HOME").filter(absolute).map(|home| home.join(".config")));
    match own {
        Some(directory) => {
            let path = directory.join("thialfi/rules.toml");
            if may_exist(&path) {
                return Ok(path);
            }
            tried.push(format!("`{}` (does not exist)", path.display()));
        }
        None => tried.push("`$XDG_CONFIG_HOME/thialfi/rules.toml` (not set)".to_owned()),
    }
    if may_exist(system_file) {
        return Ok(system_file.to_owned());
    }
    tried.push(format!("`{}` (does not exist)", system_file.display()));
    Err(LocateError { tried })
}

/// Whether the file exists, or might: one that we may not look at is not passed over for another.
fn may_exist(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &Path)]) -> impl Fn(&str) -> Option<OsString> + use<> {
        let pairs: Vec<(String, OsString)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_os_str().to_owned())).collect();
        move |wanted| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    }

    #[test]
    fn the_nearest_to_the_user_counts() {
        let root = tempfile::tempdir().unwrap();
        let (xdg, home, system) = (root.path().join("xdg"), root.path().join("home"), root.path().join("etc.toml"));
        let (in_xdg, in_home) = (xdg.join("thialfi/rules.toml"), home.join(".config/thialfi/rules.toml"));
        for file in [&in_xdg, &in_home, &system] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let (named, variable) = (Path::new("/named.toml"), Path::new("/variable.toml"));
        let all = environment(&[("THIALFI_CONFIG", variable), ("XDG_CONFIG_HOME", &xdg), ("HOME", &home)]);
        assert_eq!(find_with(Some(named), &all, &system).unwrap(), named);
        assert_eq!(find_with(None, &all, &system).unwrap(), variable);
        let both = environment(&[("THIALFI_CONFIG", Path::new("")), ("XDG_CONFIG_HOME", &xdg), ("HOME", &home)]);
        assert_eq!(find_with(None, &both, &system).unwrap(), in_xdg);
        let relative = environment(&[("XDG_CONFIG_HOME", Path::new("xdg")), ("HOME", &home)]);
        assert_eq!(find_with(None, &relative, &system).unwrap(), in_home);
        assert_eq!(find_with(None, &environment(&[]), &system).unwrap(), system);
    }

    #[test]
    fn the_error_names_every_place() {
        let root = tempfile::tempdir().unwrap();
        let system = root.path().join("etc.toml");
        let error = find_with(None, &environment(&[("XDG_CONFIG_HOME", root.path())]), &system).unwrap_err();
        let text = error.to_string();
        let own = root.path().join("thialfi/rules.toml");
        for place in ["$THIALFI_CONFIG", own.to_str().unwrap(), system.to_str().unwrap()] {
            assert!(text.contains(place), "{text}");
        }
        assert_eq!(text.lines().count(), 1);
    }
}
