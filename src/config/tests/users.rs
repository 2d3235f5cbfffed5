//! `[users]`, `[tokens]`, `[server] proxy` and `link`: who gets in, and that a mistake there shows no password and stops no
//! call.

use super::*;

const HASH: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

#[test]
fn users_have_a_password_a_role_and_a_contact() {
    let text = format!(
        "[users]\ndavid = {{ password = \"{HASH}\" }}\n\
         root = {{ password = {{ file = \"root\" }}, role = \"admin\", contact = \"darren\" }}\n\
         screen = {{ password = {{ env = \"SCREEN\" }}, role = \"view\" }}\nproxied = {{}}\n"
    );
    let files = with_people(&text).with("root", &format!("{HASH}\n")).env("SCREEN", HASH);
    assert_eq!(files.errors(), Vec::<String>::new());
    let config = files.load().unwrap();
    let user = |name: &str| {
        let user = &config.users[name];
        (user.role, user.contact.as_ref().map(ToString::to_string), user.password.is_some())
    };
    assert_eq!(user("david"), (Role::Act, Some("david".into()), true));
    assert_eq!(user("root"), (Role::Admin, Some("darren".into()), true));
    assert_eq!(user("screen"), (Role::View, None, true));
    assert_eq!(user("proxied"), (Role::Act, None, false));
    assert!(config.has_visitors());
    assert!(Role::View < Role::Act && Role::Act < Role::Admin);
    assert!(!format!("{config:?}").contains("argon2"), "a hash is printed");
    let warned = files.warnings();
    assert!(warned.iter().any(|one| one.contains("`proxied` has no `password`, and no proxy says")), "{warned:?}");
}

#[test]
fn without_users_and_tokens_nobody_is_a_visitor() {
    assert!(!with_people("").load().unwrap().has_visitors());
    let named = "[server]\nproxy = { addresses = \"unix\", user_header = \"Remote-User\" }\n";
    assert!(!with_people(named).load().unwrap().has_visitors());
    let by_role = "[server]\nproxy = { addresses = \"unix\", user_header = \"Remote-User\", role = \"view\" }\n";
    assert!(with_people(by_role).load().unwrap().has_visitors());
}

#[test]
fn users_may_stand_in_an_included_file() {
    let text =
        "include = \"users.toml\"\n[contacts]\ndavid = { phone = \"+64211110001\" }\n[users.david]\nrole = \"view\"\n";
    let files = Files::of(text).with("users.toml", &format!("[users.darren]\npassword = \"{HASH}\"\n"));
    let config = files.load().unwrap();
    assert_eq!(config.users.keys().collect::<Vec<_>>(), ["darren", "david"]);
    let twice = Files::of(text).with("users.toml", "[users.david]\n[tokens.x]\n");
    assert!(
        twice.errors().iter().any(|one| one.contains("two definitions of the user `david`")),
        "{:?}",
        twice.errors()
    );
}

#[test]
fn a_password_that_is_no_hash_keeps_one_out_and_lets_calls_go_out() {
    for (password, complaint) in [
        ("hunter2-and-more", "is no argon2id hash"),
        ("$2b$12$K3JNi5xUQEppzVMWnZdmnu2bJH.JZbJvX1fZ5wCEGDvPqZqvUeZqO", "is no argon2id hash"),
        (&HASH.replace("m=65536", "m=4194304"), "costs too much to verify"),
        (&HASH.replace("t=2", "t=4000"), "costs too much to verify"),
    ] {
        let files = with_people(&format!("[users.david]\npassword = \"{password}\"\n"));
        let (message, hint) = only_error(&files);
        assert!(message.starts_with("8:12 the `password` of `david` is") && message.contains(complaint), "{message}");
        assert!(hint.unwrap().contains("thialfi passwd david"));
        let shown = format!("{:?} {}", files.check(), files.check().diagnostics);
        assert!(!shown.contains(password), "{shown}");
        let config = files.load().unwrap();
        assert!(config.users["david"].password.is_none());
        assert_eq!(config.warnings.len(), 1);
    }
}

#[test]
fn a_password_that_cannot_be_had_stops_no_call() {
    for place in ["{ file = \"none\" }", "{ env = \"NONE\" }"] {
        let files = with_people(&format!("[users.david]\npassword = {place}\n"));
        assert_eq!(files.errors().len(), 1, "{:?}", files.errors());
        assert!(files.load().unwrap().users["david"].password.is_none());
    }
}

#[test]
fn a_password_under_a_wrong_key_is_not_shown() {
    for text in [
        "[users.david]\npasword = \"geheim\"\n",
        "[users]\ndavid = { pw = \"geheim\" }\n",
        "[users.david]\nhash = geheim\n",
    ] {
        let report = with_people(text).check();
        assert!(report.diagnostics.errors() > 0);
        let shown = format!("{} {report:?}", report.diagnostics);
        assert!(!shown.contains("geheim"), "{text}{shown}");
    }
}

#[test]
fn mistakes_of_users_are_found() {
    let error = |text: &str| only_error(&with_people(text));
    assert_eq!(error("[users.x]\nrole = \"admn\"\n").1.unwrap(), "did you mean `admin`?");
    assert_eq!(error("[users.x]\ncontact = \"davd\"\n").1.unwrap(), "did you mean `david`?");
    assert_eq!(error("[users.x]\npassword = 1\n").0, "8:12 `password` is neither a text nor a place to find it");
    assert_eq!(error("[user.x]\n").1.unwrap(), "did you mean `users`?");
    assert!(error("[users]\n\"a b\" = {}\n").0.contains("`a b` cannot be the name of a user"));
}

#[test]
fn tokens_are_known_by_their_digest() {
    let digest = "00ff".repeat(16);
    let text = format!(
        "[tokens.grafana]\nsha256 = \"{digest}\"\n[tokens.robot]\nsha256 = \"{}\"\nrole = \"act\"\n",
        digest.to_uppercase()
    );
    let files = with_people(&text);
    assert_eq!(files.errors(), Vec::<String>::new());
    let config = files.load().unwrap();
    assert_eq!(
        config.tokens.iter().map(|token| (token.name.as_str(), token.role)).collect::<Vec<_>>(),
        [("grafana", Role::View), ("robot", Role::Act)]
    );
    assert_eq!(config.tokens[0].sha256, config.tokens[1].sha256);
    assert_eq!(config.tokens[0].sha256[..2], [0, 255]);
}

#[test]
fn a_token_in_place_of_its_digest_is_not_shown() {
    for wrong in ["thialfi_0123456789abcdef0123456789abcdef0123456789a", &"g".repeat(64), &"ä".repeat(32), ""] {
        let files = with_people(&format!("[tokens.grafana]\nsha256 = \"{wrong}\"\n"));
        let (message, hint) = only_error(&files);
        assert_eq!(message, "8:10 this is no SHA-256: 64 hexadecimal digits");
        assert!(hint.unwrap().contains("thialfi passwd --token grafana"));
        let shown = format!("{:?} {}", files.check(), files.check().diagnostics);
        assert!(wrong.is_empty() || !shown.contains(wrong), "{shown}");
    }
    assert!(only_error(&with_people("[tokens.grafana]\n")).0.contains("the token `grafana` has no `sha256`"));
}

#[test]
fn a_proxy_is_believed_where_the_rule_file_says() {
    let address = |text: &str| text.parse().unwrap();
    let nobody = with_people("").load().unwrap().server.proxy;
    assert!(!nobody.is_from(Some(address("127.0.0.1"))) && !nobody.is_from(None));
    let text = "[server]\nproxy = { addresses = [\"127.0.0.1\", \"::1\", \"unix\"], user_header = \"Remote-User\", role = \"view\" }\n";
    let proxy = with_people(text).load().unwrap().server.proxy;
    assert_eq!((proxy.user_header.as_deref(), proxy.role), (Some("remote-user"), Some(Role::View)));
    assert!(proxy.is_from(None));
    assert!(["127.0.0.1", "::1", "::ffff:127.0.0.1"].iter().all(|from| proxy.is_from(Some(address(from)))));
    assert!(!proxy.is_from(Some(address("127.0.0.2"))) && !proxy.is_from(Some(address("192.0.2.1"))));
    let loopback = with_people("[server]\nproxy = { addresses = \"127.0.0.1\" }\n").load().unwrap().server.proxy;
    assert!(!loopback.is_from(None));
}

#[test]
fn mistakes_of_proxies_are_found() {
    let error = |proxy: &str| only_error(&with_people(&format!("[server]\nproxy = {{ {proxy} }}\n"))).0;
    assert_eq!(error("user_header = \"Remote-User\""), "8:9 `addresses` is missing");
    assert_eq!(error("addresses = \"localhost\""), "8:23 `localhost` is no address");
    assert_eq!(error("addresses = \"10.0.0.0/8\""), "8:23 `10.0.0.0/8` is no address");
    let header = |name: &str| error(&format!("addresses = \"unix\", user_header = \"{name}\""));
    assert!(header("Remote User").contains("is not the name of a header field"));
    assert!(header("").contains("is not the name of a header field"));
    for taken in ["Cookie", "authorization", "X-Forwarded-For", "User-Agent", "X-Gate-Remote"] {
        assert!(header(taken).contains("whoever asks may send it"), "{taken}");
    }
    assert!(error("addresses = \"unix\", role = \"view\"").contains("it has no `user_header`"));
}

#[test]
fn who_signs_in_through_a_proxy_that_is_not_named_is_warned_of() {
    let users = format!("[users.david]\npassword = \"{HASH}\"\n");
    let warned = |server: &str| {
        let warnings = with_people(&format!("{users}[server]\n{server}\n")).warnings();
        warnings.iter().any(|one| one.contains("who guesses passwords locks everybody out"))
    };
    assert!(warned("public_url = \"https://pager.example.com\""));
    assert!(!warned("public_url = \"https://pager.example.com\"\nproxy = { addresses = \"127.0.0.1\" }"));
    assert!(!warned("public_url = \"https://pager.example.com\"\nlisten = \"0.0.0.0:80\""));
    assert!(!warned(""));
}

#[test]
fn links_are_of_two_kinds() {
    use crate::alert::{AlertId, NotificationId, Token};
    let id = NotificationId { alert: AlertId(12), number: 3 };
    let links = |link: &str| {
        let text = format!("[server]\npublic_url = \"https://pager.example.com\"\n{link}\n");
        let server = with_people(&text).load().unwrap().server;
        (server.link_of(&id.alert), server.link_for(id, &Token::from_bits(1)))
    };
    let page = Some("https://pager.example.com/alerts/12".to_owned());
    assert_eq!(links(""), (None, None));
    assert_eq!(links("link = false"), (None, None));
    assert_eq!(links("link = true"), (page.clone(), page.clone()));
    let (of, for_one) = links("link = \"token\"");
    assert_eq!(of, page);
    let for_one = for_one.unwrap();
    assert!(for_one.starts_with("https://pager.example.com/a/12.3."), "{for_one}");
    assert_eq!(for_one.len(), "https://pager.example.com/a/12.3.".len() + 22);
    assert_eq!(only_error(&with_people("[server]\nlink = \"tokn\"\n")).1.unwrap(), "did you mean `token`?");
    let lost = with_people("[server]\nlink = \"token\"\n").warnings();
    assert!(lost.iter().any(|one| one.contains("there is no `public_url` that a link could begin with")), "{lost:?}");
}
