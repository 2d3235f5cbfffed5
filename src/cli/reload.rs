//! The rule file of a server that runs: it is read again when it was edited, or on SIGHUP. An engine that calls by last
//! week's numbers wakes the wrong person. One that is broken changes nothing, and is said.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;

use super::setup;
use crate::config::Config;
use crate::engine::Desk;

/// The rule file as it was when it was last read.
pub struct RuleFile {
    path: PathBuf,
    /// What is looked at for changes, and what was seen there.
    seen: Vec<(PathBuf, Option<Stamp>)>,
    desk: Arc<Desk>,
}

/// What changes when a file is edited or replaced.
type Stamp = (u64, u64, u64, i64, i64);

impl RuleFile {
    /// The rule file that this desk works by.
    pub fn of(desk: Arc<Desk>) -> Self {
        let path = desk.config.path.clone();
        Self { seen: look(&desk.config), path, desk }
    }

    /// Whether one of its files differs from when it was read.
    pub fn has_changed(&self) -> bool {
        self.seen.iter().any(|(path, stamp)| stamp_of(path) != *stamp)
    }

    /// Reads it again. `None` when it cannot be used: then the present one goes on, and is not tried again before the
    /// next change.
    pub fn read_again(&mut self) -> Option<Arc<Desk>> {
        for (path, stamp) in &mut self.seen {
            *stamp = stamp_of(path);
        }
        match self.renewed() {
            Ok(desk) => {
                self.seen = look(&desk.config);
                self.desk = Arc::clone(&desk);
                Some(desk)
            }
            Err(why) => {
                tracing::error!(%why, "the rule file cannot be used; going on with what was read before");
                None
            }
        }
    }

    fn renewed(&self) -> anyhow::Result<Arc<Desk>> {
        let mut fresh = setup::load(Some(&self.path))?;
        let present = &self.desk.config;
        fresh.keep_calendars_of(present);
        for warning in &fresh.warnings {
            tracing::warn!("{}", warning.one_line());
        }
        ensure!(fresh.services().next().is_some(), "it has neither [twilio] nor [providers]");
        // These cannot be changed under way: what is under way would be lost sight of.
        ensure!(
            fresh.store == present.store && fresh.server.listen == present.server.listen,
            "`[store] path` or `[server] listen` differs: start thialfi again"
        );
        let desk = self.desk.renewed(Arc::new(fresh));
        if let Some(trouble) = &desk.trouble {
            tracing::error!("{trouble}");
        }
        Ok(Arc::new(desk))
    }
}

/// The files, the calendars, and the directories of the included ones: a new file may belong to them, too.
fn look(config: &Config) -> Vec<(PathBuf, Option<Stamp>)> {
    let mut paths = config.files.clone();
    paths.extend(config.calendars.iter().map(|calendar| calendar.path.clone()));
    paths.extend(config.files.iter().skip(1).filter_map(|file| file.parent()).map(Path::to_owned));
    paths.sort();
    paths.dedup();
    paths.into_iter().map(|path| (path.clone(), stamp_of(&path))).collect()
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    let of = |file: Metadata| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    std::fs::metadata(path).ok().map(of)
}
