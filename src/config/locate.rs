//! Where the rule file is: `--config`, `$THIALFI_CONFIG`, `$XDG_CONFIG_HOME/thialfi/rules.toml`,
//! `/etc/thialfi/rules.toml`.
