//! `[twilio]`, and secrets: where they come from, and that nobody sees them.

use super::*;

#[test]
fn secrets_come_from_text_environment_and_files() {
    let text = "[twilio]\naccount_sid = { env = \"SID\" }\nauth_token = { file = \"token\" }\n\
                previous_auth_token = \"old\"\napi_key = \"SK1\"\napi_secret = { file = \"cred\" }\nfrom = \"+6498123450\"\n";
    let files = Files::of(text).with("token", "geheim\r\n").with("cred", "beside").with("run/cred", "credential\n");
    let credentials = files.path("run").display().to_string();
    let files = files.env("SID", "AC1");
    let secret = |files: &Files, of: fn(&Twilio) -> &SecretString| {
        of(files.load().unwrap().accounts().next().unwrap()).expose_secret().to_owned()
    };
    assert_eq!(secret(&files, |twilio| &twilio.auth_token), "geheim");
    assert_eq!(secret(&files, |twilio| twilio.previous_auth_token.as_ref().unwrap()), "old");
    assert_eq!(secret(&files, |twilio| &twilio.api_key.as_ref().unwrap().1), "beside");
    let files = files.env("CREDENTIALS_DIRECTORY", &credentials);
    assert_eq!(secret(&files, |twilio| &twilio.api_key.as_ref().unwrap().1), "credential");
    assert_eq!(secret(&files, |twilio| &twilio.auth_token), "geheim", "not a credential: beside the rule file");
    let shown = format!("{:?}", files.load().unwrap());
    assert!(!shown.contains("geheim") && !shown.contains("credential\""), "{shown}");
}

#[test]
fn a_secret_that_cannot_be_had_is_named() {
    let text = "[twilio]\naccount_sid = { env = \"THIALFI_SID_OF_NOBODY\" }\nauth_token = { file = \"none\" }\nfrom = \"+6498123450\"\n";
    let files = Files::of(text).env("THIALFI_SID_OF_NOBODY", "");
    let errors = files.errors();
    assert_eq!(errors[0], "rules.toml:2:15 twilio.account_sid: `account_sid` is empty");
    assert!(errors[1].contains("`auth_token`: the file `"), "{errors:?}");
    assert!(errors[1].ends_with("none` cannot be read: there is no such file"), "{errors:?}");
    assert!(files.load().is_err());
    // Who only looks does not need it.
    let config = Config::load_to_look(&files.path("rules.toml")).unwrap();
    assert!(config.twilio.is_none());
    assert_eq!(config.warnings.len(), 2);
}

#[test]
fn no_complaint_shows_a_secret() {
    for text in [
        "[twilio]\nauth_token = \"geheim\" x\n",
        "[twilio]\nauth_token = \"geheim\n",
        "[twilio]\nauth_tokn = \"geheim\"\n",
        "[twilio]\nauth_token = geheim\n",
        "twilio = { auth_token = \"geheim\", frm = 1 }\n",
        "[twilio]\naccount_sid = \"AC1\"\nauth_token = [\"geheim\"]\nfrom = \"x\"\n",
        "[twilio]\naccount_sid = \"AC1\"\nauth_token = \"geh\\neim\"\nfrom = \"x\"\n",
        "[providers.x]\nkind = \"htp\"\nlogin = { password = \"geheim\" }\n",
        "[servr]\npassword = \"geheim\"\n",
    ] {
        let files = Files::of(text).mode("rules.toml", 0o644);
        let report = files.check();
        assert!(report.diagnostics.errors() > 0, "{text}");
        let shown = format!("{} {:?}", report.diagnostics, report);
        assert!(!shown.contains("geheim") && !shown.contains("eim\\\""), "{text}{shown}");
    }
}

#[test]
fn a_literal_secret_that_everybody_can_read_is_refused_by_check_alone() {
    let text = "[twilio]\naccount_sid = \"AC1\"\nauth_token = \"geheim\"\nfrom = \"+6498123450\"\n";
    let open = Files::of(text).mode("rules.toml", 0o644);
    let (message, _) = only_error(&open);
    assert_eq!(message, "3:14 everybody can read this file, which holds `auth_token`");
    let config = open.load().unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].severity, Severity::Warning);
    let group = Files::of(text).mode("rules.toml", 0o640);
    assert_eq!(group.errors(), Vec::<String>::new());
    assert!(group.warnings().iter().any(|warning| warning.contains("the group of this file can read it")));
    assert!(group.load().unwrap().warnings.is_empty());
    let closed = Files::of(text);
    assert!(!closed.warnings().iter().any(|warning| warning.contains("read")), "{:?}", closed.warnings());
}

#[test]
fn twilio_needs_what_it_cannot_do_without() {
    let error = |text: &str| only_error(&Files::of(text)).0;
    let start = "[twilio]\naccount_sid = \"AC1\"\nauth_token = \"x\"\n";
    assert_eq!(error(start), "1:1 `from` is missing: calls and texts must come from a number");
    assert_eq!(error(&format!("{start}from = \"12\"\n")), "4:8 `12` is not a telephone number in international form");
    assert_eq!(
        error(&format!("{start}from = \"+6498123450\"\napi_key = \"SK1\"\n")),
        "5:11 `api_key` stands without `api_secret`"
    );
    let only_texts = Files::of(&format!("{start}messaging_service = \"MG1\"\n"));
    assert_eq!(only_texts.errors(), Vec::<String>::new());
    let warned = only_texts.warnings();
    assert!(warned.iter().any(|warning| warning.contains("people can be texted, but not called")), "{warned:?}");
    assert_eq!(
        error("[twilio]\naccount_sid = \"AC/../1\"\nauth_token = \"x\"\nfrom = \"+6498123450\"\n"),
        "2:15 `account_sid` is not an account's id"
    );
}
